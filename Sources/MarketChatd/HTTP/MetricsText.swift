import ChatOutbox
import ChatSync

/// `/metrics`: the snapshot in Prometheus' text format, version 0.0.4. Counters start at 0 with the process; gauges of a
/// business that this instance does not own are left out, so that a sum over instances counts nothing twice.
enum MetricsText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    static func render(_ status: EngineStatus, process: ProcessFacts) -> String {
        var page = MetricsPage()
        page.gauge("market_chatd_build_info", "The version that runs.", [(["version": Version.current], 1)])
        page.gauge("market_chatd_database_up", "Whether the session with the database stands.", [([:], isUp(status))])
        page.gauge(
            "market_chatd_making_progress", "Whether the work loop turns.", [([:], status.isMakingProgress ? 1 : 0)])
        addCounters(of: status.businesses, to: &page)
        addGauges(of: status.businesses, to: &page)
        page.gauge(
            "process_start_time_seconds", "When the process started, since 1970.", [([:], process.startTimeSeconds)])
        if let bytes = process.residentBytes {
            page.gauge("process_resident_memory_bytes", "Resident memory.", [([:], Double(bytes))])
        }
        if let seconds = process.cpuSeconds {
            page.counter("process_cpu_seconds_total", "Processor time used.", [([:], seconds)])
        }
        return page.text
    }

    private static func isUp(_ status: EngineStatus) -> Double {
        status.database == .connected ? 1 : 0
    }

    private static func addCounters(of businesses: [BusinessStatus], to page: inout MetricsPage) {
        func samples(_ value: KeyPath<BusinessStatus.Counters, Int>) -> [MetricsPage.Sample] {
            businesses.map { (["business": "\($0.businessID)"], Double($0.counters[keyPath: value])) }
        }
        page.counter("market_chatd_requests_total", "Exchanges with the Market, repeats included.", samples(\.requests))
        page.counter("market_chatd_created_total", "Rows that got their chat ID.", samples(\.created))
        page.counter("market_chatd_rejected_total", "Rows that the Market refused for good.", samples(\.rejected))
        page.counter("market_chatd_backoffs_total", "Times a row was put off after a failure.", samples(\.backoffs))
        page.counter(
            "market_chatd_deferred_total", "Times a row stayed due though it was sent.", samples(\.deferred))
        page.counter(
            "market_chatd_refused_writes_total", "Results that the database refused, by a trigger for example.",
            samples(\.refusals))
        let refusals = businesses.flatMap { business -> [MetricsPage.Sample] in
            [
                (["business": "\(business.businessID)", "kind": "quota"], Double(business.counters.quotaRefusals)),
                (
                    ["business": "\(business.businessID)", "kind": "parallel"],
                    Double(business.counters.parallelRefusals)
                ),
            ]
        }
        page.counter("market_chatd_420_total", "Answers 420: for the quota, and for parallel requests.", refusals)
    }

    private static func addGauges(of businesses: [BusinessStatus], to page: inout MetricsPage) {
        func each(_ businesses: [BusinessStatus], _ value: (BusinessStatus) -> Double?) -> [MetricsPage.Sample] {
            businesses.compactMap { business in value(business).map { (["business": "\(business.businessID)"], $0) } }
        }
        let owned = businesses.filter(\.isOwned)
        page.gauge(
            "market_chatd_owned", "Whether this instance sends for the business.",
            each(businesses) { $0.isOwned ? 1 : 0 })
        page.gauge("market_chatd_paused", "Whether an operator paused it.", each(owned) { $0.isPaused ? 1 : 0 })
        page.gauge(
            "market_chatd_held_seconds", "For how long nothing is sent.", each(owned) { $0.hold?.endsIn.inSeconds ?? 0 }
        )
        page.gauge("market_chatd_in_flight", "Requests sent and not yet answered.", each(owned) { Double($0.inFlight) })
        page.gauge(
            "market_chatd_due", "Rows due at the last poll, counted up to a bound.", each(owned) { Double($0.due) })
        page.gauge(
            "market_chatd_oldest_due_seconds", "How long the oldest of them had been due.",
            each(owned) { $0.oldestDueFor?.inSeconds ?? 0 })
        page.gauge(
            "market_chatd_quota_limit", "Requests in a window.", each(owned) { $0.quota.map { Double($0.limit) } })
        page.gauge(
            "market_chatd_quota_remaining", "Requests left in the window.",
            each(owned) { $0.quota.map { Double($0.remaining) } })
        page.gauge(
            "market_chatd_quota_resets_seconds", "When the window ends, from now.",
            each(owned) { $0.quota.map { $0.resetsIn.inSeconds } })
    }
}

/// Prometheus' text format: for each metric its help, its type and its samples.
struct MetricsPage {
    typealias Sample = (labels: KeyValuePairs<String, String>, value: Double)

    private(set) var text = ""

    mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
        add(name, "gauge", help, samples)
    }

    mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
        add(name, "counter", help, samples)
    }

    private mutating func add(_ name: String, _ type: String, _ help: String, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        for (labels, value) in samples {
            let list = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
            text += "\(name)\(list.isEmpty ? "" : "{\(list)}") \(Self.written(value))\n"
        }
    }

    private static func escaped(_ value: String) -> String {
        value.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
    }

    private static func written(_ value: Double) -> String {
        // Whole numbers without a fraction: that is how counters are read.
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return String(value)
    }
}
