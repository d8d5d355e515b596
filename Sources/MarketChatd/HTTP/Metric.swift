import ChatOutbox
import ChatSync

/// One metric: a new one is one more entry of ``all``.
struct Metric: Sendable {
    enum Kind: String, Sendable { case counter, gauge, histogram }

    typealias Sample = (labels: KeyValuePairs<String, String>, value: Double)

    var name: String
    var kind: Kind
    var help: String
    var samples: @Sendable (MetricsText.Facts) -> [Sample]

    init(
        _ name: String, _ kind: Kind, _ help: String,
        samples: @escaping @Sendable (MetricsText.Facts) -> [Sample] = { _ in [] }
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    /// Of the process: one value, or none where it is not known.
    private static func one(
        _ name: String, _ help: String, kind: Kind = .gauge,
        _ value: @escaping @Sendable (MetricsText.Facts) -> Double?
    ) -> Metric {
        Metric(name, kind, help) { facts in
            guard let value = value(facts) else { return [] }
            return [(labels: [:], value: value)]
        }
    }

    /// Since the process started, of each business.
    private static func counter(
        _ name: String, _ help: String, _ value: any KeyPath<BusinessStatus.Counters, Int> & Sendable
    ) -> Metric {
        Metric(name, .counter, help) { facts in
            facts.status.businesses.map { business in
                ([label: "\(business.businessID)"], Double(business.counters[keyPath: value]))
            }
        }
    }

    /// The same, parted by one more label.
    private static func counters(
        _ name: String, _ help: String, by part: String,
        _ values: KeyValuePairs<String, any KeyPath<BusinessStatus.Counters, Int> & Sendable>
    ) -> Metric {
        let values = values.map { ($0.key, $0.value) }
        return Metric(name, .counter, help) { facts in
            facts.status.businesses.flatMap { business in
                values.map { key, value in
                    ([label: "\(business.businessID)", part: key], Double(business.counters[keyPath: value]))
                }
            }
        }
    }

    /// Of each business that this instance owns; `nil`: left out.
    private static func owned(
        _ name: String, _ help: String,
        _ value: @escaping @Sendable (BusinessStatus, MetricsText.Facts) -> Double?
    ) -> Metric {
        Metric(name, .gauge, help) { facts in
            facts.status.businesses.filter(\.isOwned).compactMap { business in
                value(business, facts).map { ([label: "\(business.businessID)"], $0) }
            }
        }
    }

    /// The same, parted by one more label.
    private static func owned(
        _ name: String, _ help: String, by part: String, _ keys: [String],
        _ value: @escaping @Sendable (BusinessStatus, String) -> Bool
    ) -> Metric {
        Metric(name, .gauge, help) { facts in
            facts.status.businesses.filter(\.isOwned).flatMap { business in
                keys.map { ([label: "\(business.businessID)", part: $0], value(business, $0) ? 1 : 0) }
            }
        }
    }

    private static let label = "business_id"
    /// Whoever may insert may name any number, so that there is no end of them.
    private static let mostUnlisted = 20
}

extension Metric {
    static let all: [Metric] = [
        Metric("market_chatd_build_info", .gauge, "The version that runs.") { _ in
            [(["version": Version.current], 1)]
        },
        one("market_chatd_database_sessions", "Whether the session with the database stands.") {
            $0.status.database == .connected ? 1 : 0
        },
        one("market_chatd_making_progress", "Whether the work loop turns; 0: only a restart helps.") {
            $0.status.isMakingProgress ? 1 : 0
        },
        counter("market_chatd_requests_total", "Exchanges with the Market, repeats included.", \.requests),
        counters(
            "market_chatd_results_total",
            "What became of rows that were sent: created, rejected for good, put off (backoff), or due still (deferred).",
            by: "outcome",
            ["created": \.created, "rejected": \.rejected, "backoff": \.backoffs, "deferred": \.deferred]),
        counters(
            "market_chatd_market_refusals_total", "Answers 420: for the quota, and for parallel requests.",
            by: "reason", ["quota": \.quotaRefusals, "parallel": \.parallelRefusals]),
        counter(
            "market_chatd_refused_writes_total", "Results that the database refused, by a trigger for example.",
            \.refusals),
        Metric("market_chatd_owner", .gauge, "Whether this instance sends for the business.") { facts in
            facts.status.businesses.map { ([label: "\($0.businessID)"], $0.isOwned ? 1 : 0) }
        },
        owned("market_chatd_paused", "Whether an operator paused it.") { business, _ in business.isPaused ? 1 : 0 },
        owned(
            "market_chatd_held", "Whether nothing is sent, or only probes are, by the kind of the reason.", by: "kind",
            Hold.Kind.allCases.map(\.rawValue)
        ) { $0.hold?.kind.rawValue == $1 },
        owned("market_chatd_held_until_timestamp_seconds", "When the hold ends, or is tried.") { business, facts in
            business.hold.map { facts.time(in: $0.endsIn) }
        },
        owned(
            "market_chatd_circuit_open", "Whether one request at a time asks if the Market is well again.",
            by: "context_type", ChatContextName.all
        ) { $0.openCircuits.contains($1) },
        owned("market_chatd_in_flight", "Requests sent and not yet answered.") { business, _ in
            Double(business.inFlight)
        },
        owned("market_chatd_due", "Rows due at the last poll, counted up to a bound.") { business, _ in
            Double(business.due)
        },
        owned("market_chatd_due_is_capped", "Whether more are due than market_chatd_due says.") { business, _ in
            business.dueIsAtLeast ? 1 : 0
        },
        owned("market_chatd_oldest_due_timestamp_seconds", "Since when the oldest due row has been due.") {
            business, facts in business.oldestDueFor.map { facts.time(in: .zero - $0) }
        },
        owned("market_chatd_quota_limit", "Requests in a window.") { business, _ in
            business.quota.map { Double($0.limit) }
        },
        owned("market_chatd_quota_remaining", "Requests left in the window.") { business, _ in
            business.quota.map { Double($0.remaining) }
        },
        owned("market_chatd_quota_reset_timestamp_seconds", "When the window ends.") { business, facts in
            business.quota.map { facts.time(in: $0.resetsIn) }
        },
        owned("market_chatd_unwritten_results", "Answers of the Market that are not written yet.") { business, _ in
            Double(business.unwritten)
        },
        one(
            "market_chatd_key_reload_success", "Whether the last reload of the key files succeeded; 1 before the first."
        ) {
            $0.reload?.succeeded == false ? 0 : 1
        },
        one("market_chatd_key_reload_timestamp_seconds", "When the key files were read again last.") {
            $0.reload.map { $0.at.sinceEpoch }
        },
        one(
            "market_chatd_unlisted_rows", "Pending rows of cabinets that no instance serves; the same on each instance."
        ) {
            Double($0.unlisted.reduce(0) { $0 + $1.rows })
        },
        Metric(
            "market_chatd_unlisted_business_rows", .gauge,
            "The same of each such cabinet, of the \(mostUnlisted) with the most rows."
        ) { facts in
            let most = facts.unlisted.sorted { ($1.rows, $0.businessID) < ($0.rows, $1.businessID) }
            return most.prefix(mostUnlisted).map { ([label: "\($0.businessID)"], Double($0.rows)) }
        },
        one("process_start_time_seconds", "When the process started, since 1970.") { $0.process.startTimeSeconds },
        one("process_resident_memory_bytes", "Resident memory.") { $0.process.residentBytes.map(Double.init) },
        one("process_open_fds", "Open files and connections.") { $0.process.openFiles.map(Double.init) },
        one("process_max_fds", "How many there may be.") { $0.process.mostFiles.map(Double.init) },
        one("process_cpu_seconds_total", "Processor time used.", kind: .counter) { $0.process.cpuSeconds },
    ]

    static let histograms: [(metric: Metric, histogram: any KeyPath<EngineTimings, DurationHistogram> & Sendable)] = [
        (
            Metric(
                "market_chatd_due_to_settled_seconds", .histogram, "From a row's due time to its chat ID in the table."),
            \.dueToSettled
        ),
        (Metric("market_chatd_market_request_seconds", .histogram, "One exchange with the Market."), \.request),
        (
            Metric("market_chatd_settlement_seconds", .histogram, "One transaction that writes results."),
            \.settlement
        ),
    ]
}

/// As `market_chat.outbox.context_type` has them.
private enum ChatContextName {
    static let all = ["ORDER", "RETURN"]
}

extension MetricsText.Facts {
    /// Seconds since 1970, whole ones: what is worked out from a time that is left over wavers a little.
    fileprivate func time(in duration: Duration) -> Double { now.advanced(by: duration).sinceEpoch.rounded() }
}
