import ChatOutbox
import TestSupport
import Testing

@testable import ChatSync
@testable import MarketChatd

@Suite(.concurrencyLimited) struct MetricsTests {
    private let process = ProcessFacts(
        startTimeSeconds: 1_788_967_080.5, residentBytes: 27_000_000, cpuSeconds: 1.25, openFiles: 12,
        mostFiles: 1024)

    private var owned: BusinessStatus {
        var business = BusinessStatus(businessID: 11)
        business.isOwned = true
        business.hold = .init(kind: .quota, reason: "quota", endsIn: .milliseconds(1500))
        business.inFlight = 2
        business.due = 12
        business.oldestDueFor = .seconds(4)
        business.quota = .init(limit: 1000, remaining: 987, resetsIn: .seconds(60))
        business.counters.requests = 20
        business.counters.created = 15
        business.counters.rejected = 1
        business.counters.backoffs = 2
        business.counters.deferred = 3
        business.counters.refusals = 4
        business.counters.quotaRefusals = 5
        business.counters.parallelRefusals = 6
        return business
    }

    private func status(_ businesses: [BusinessStatus], database: EngineStatus.Database = .connected) -> EngineStatus {
        EngineStatus(phase: .running, database: database, businesses: businesses, isMakingProgress: true)
    }

    private let now = WallTime(seconds: 1_789_000_000)

    private func text(
        _ businesses: [BusinessStatus], database: EngineStatus.Database = .connected, reload: KeyRing.Reload? = nil
    ) -> String {
        MetricsText.render(
            status(businesses, database: database), process: process, reload: reload,
            unlisted: [UnlistedBusiness(businessID: 5, rows: 7)], now: now)
    }

    @Test func theWholePageIs() {
        let lines = text([owned]).split(separator: "\n").map(String.init)
        #expect(
            lines.filter { !$0.hasPrefix("#") && !$0.contains("_bucket") } == [
                "market_chatd_build_info{version=\"\(Version.current)\"} 1",
                "market_chatd_database_sessions 1",
                "market_chatd_making_progress 1",
                "market_chatd_requests_total{business_id=\"11\"} 20",
                "market_chatd_results_total{business_id=\"11\",outcome=\"created\"} 15",
                "market_chatd_results_total{business_id=\"11\",outcome=\"rejected\"} 1",
                "market_chatd_results_total{business_id=\"11\",outcome=\"backoff\"} 2",
                "market_chatd_results_total{business_id=\"11\",outcome=\"deferred\"} 3",
                "market_chatd_market_refusals_total{business_id=\"11\",reason=\"quota\"} 5",
                "market_chatd_market_refusals_total{business_id=\"11\",reason=\"parallel\"} 6",
                "market_chatd_refused_writes_total{business_id=\"11\"} 4",
                "market_chatd_owner{business_id=\"11\"} 1",
                "market_chatd_paused{business_id=\"11\"} 0",
                "market_chatd_held{business_id=\"11\",kind=\"authorization\"} 0",
                "market_chatd_held{business_id=\"11\",kind=\"misconfigured\"} 0",
                "market_chatd_held{business_id=\"11\",kind=\"migration\"} 0",
                "market_chatd_held{business_id=\"11\",kind=\"quota\"} 1",
                "market_chatd_held{business_id=\"11\",kind=\"overloaded\"} 0",
                "market_chatd_held{business_id=\"11\",kind=\"database\"} 0",
                "market_chatd_held{business_id=\"11\",kind=\"circuit\"} 0",
                "market_chatd_held_until_timestamp_seconds{business_id=\"11\"} 1789000002",
                "market_chatd_circuit_open{business_id=\"11\",context_type=\"ORDER\"} 0",
                "market_chatd_circuit_open{business_id=\"11\",context_type=\"RETURN\"} 0",
                "market_chatd_in_flight{business_id=\"11\"} 2",
                "market_chatd_due{business_id=\"11\"} 12",
                "market_chatd_due_is_capped{business_id=\"11\"} 0",
                "market_chatd_oldest_due_timestamp_seconds{business_id=\"11\"} 1788999996",
                "market_chatd_quota_limit{business_id=\"11\"} 1000",
                "market_chatd_quota_remaining{business_id=\"11\"} 987",
                "market_chatd_quota_reset_timestamp_seconds{business_id=\"11\"} 1789000060",
                "market_chatd_unwritten_results{business_id=\"11\"} 0",
                "market_chatd_key_reload_success 1",
                "market_chatd_unlisted_rows 7",
                "market_chatd_unlisted_business_rows{business_id=\"5\"} 7",
                "process_start_time_seconds 1788967080.5",
                "process_resident_memory_bytes 27000000",
                "process_open_fds 12",
                "process_max_fds 1024",
                "process_cpu_seconds_total 1.25",
                "market_chatd_due_to_settled_seconds_sum 0", "market_chatd_due_to_settled_seconds_count 0",
                "market_chatd_market_request_seconds_sum 0", "market_chatd_market_request_seconds_count 0",
                "market_chatd_settlement_seconds_sum 0", "market_chatd_settlement_seconds_count 0",
            ])
    }

    @Test func ofUnlistedCabinetsTheGreatestAreNamedAndAllAreCounted() {
        let unlisted = (1...30).map { UnlistedBusiness(businessID: $0, rows: Int($0)) }
        let text = MetricsText.render(status([]), process: process, unlisted: unlisted, now: now)
        #expect(text.contains("market_chatd_unlisted_rows 465\n"))
        let named = text.split(separator: "\n").filter { $0.hasPrefix("market_chatd_unlisted_business_rows{") }
        #expect(named.count == 20)
        #expect(named.first == "market_chatd_unlisted_business_rows{business_id=\"30\"} 30")
        #expect(named.last == "market_chatd_unlisted_business_rows{business_id=\"11\"} 11")
    }

    @Test func aHistogramCountsUpToEachBound() {
        var histogram = DurationHistogram()
        for seconds in [0.0004, 0.001, 0.3, 1e9, -5] { histogram.add(seconds: seconds) }
        var page = MetricsPage()
        page.add(Metric("x", .histogram, "X."), histogram)
        let lines = page.text.split(separator: "\n").map(String.init)
        #expect(lines.contains("x_bucket{le=\"0.001\"} 3"), "a bound is included, and no time is negative")
        #expect(lines.contains("x_bucket{le=\"0.25\"} 3") && lines.contains("x_bucket{le=\"0.5\"} 4"))
        #expect(lines.contains("x_bucket{le=\"86400\"} 4") && lines.contains("x_bucket{le=\"+Inf\"} 5"))
        #expect(lines.last == "x_count 5")
    }

    @Test func aReloadThatFailedShows() {
        let page = text([owned], reload: KeyRing.Reload(succeeded: false, at: now))
        #expect(page.contains("market_chatd_key_reload_success 0\n"))
        #expect(page.contains("market_chatd_key_reload_timestamp_seconds 1789000000\n"))
    }

    @Test func everyMetricHasItsHelpAndTypeOnceBeforeItsSamples() {
        var second = owned
        second.businessID = 12
        let lines = text([owned, second]).split(separator: "\n")
        var current = ""
        var seen: Set<String> = []
        for line in lines {
            let words = line.split(separator: " ")
            if line.hasPrefix("# HELP ") {
                current = String(words[2])
                #expect(seen.insert(current).inserted)
            } else if line.hasPrefix("# TYPE ") {
                #expect(words[2] == current)
                #expect(current.hasSuffix("_total") == (words[3] == "counter"))
            } else {
                let isOurs = ["{", " ", "_bucket{", "_sum ", "_count "].contains { line.hasPrefix(current + $0) }
                #expect(isOurs, "\(line)")
            }
        }
    }

    @Test func whatAnotherInstanceOwnsHasCountersButNoGauges() {
        let text = text([BusinessStatus(businessID: 7)], database: .connecting(problem: nil))
        #expect(text.contains("market_chatd_requests_total{business_id=\"7\"} 0\n"))
        #expect(text.contains("market_chatd_owner{business_id=\"7\"} 0\n"))
        #expect(!text.contains("market_chatd_due{"))
        #expect(text.contains("market_chatd_database_sessions 0\n"))
    }

    @Test func labelsAreEscaped() {
        var page = MetricsPage()
        page.add(Metric("x", .gauge, "X."), [(["a": "q\"b\\c\nd"], 0.5)])
        #expect(page.text == "# HELP x X.\n# TYPE x gauge\nx{a=\"q\\\"b\\\\c\\nd\"} 0.5\n")
    }

    @Test func theProcessKnowsItself() {
        let facts = ProcessFacts.current(startedAt: .now)
        #expect((facts.residentBytes ?? 0) > 1_000_000)
        #expect((facts.cpuSeconds ?? 0) > 0)
        #expect((facts.openFiles ?? 0) > 2 && (facts.mostFiles ?? 0) > (facts.openFiles ?? 0))
    }
}

@Suite(.concurrencyLimited) struct StatusAnswerTests {
    private func status(
        _ phase: EngineStatus.Phase = .running, database: EngineStatus.Database = .connected,
        isMakingProgress: Bool = true, owned: [Bool] = [true, false]
    ) -> EngineStatus {
        let businesses = owned.enumerated().map { index, isOwned in
            var business = BusinessStatus(businessID: Int64(index + 1))
            business.isOwned = isOwned
            return business
        }
        return EngineStatus(
            phase: phase, database: database, businesses: businesses, isMakingProgress: isMakingProgress)
    }

    @Test func healthIsProgressAndNotTheDatabase() {
        #expect(Health.answer(for: status(database: .connecting(problem: "down"))).code == 200)
        #expect(Health.answer(for: status(isMakingProgress: false)).code == 503)
        #expect(Health.answer(for: status(.stopped, isMakingProgress: false)).code == 200)
    }

    @Test func readinessIsTheSessionAndStandbyCountsAsReady() {
        #expect(
            Readiness.answer(for: status())
                == .json(200, .object([("ready", .bool(true)), ("owned", .integer(1)), ("standby", .integer(1))])))
        #expect(Readiness.answer(for: status(owned: [false])).code == 200)
        let away = Readiness.answer(for: status(database: .connecting(problem: "refused \"x\"")))
        #expect(away.code == 503)
        #expect(away.body == "{\"ready\":false,\"reason\":\"waiting for the database: refused \\\"x\\\"\"}\n")
        for phase in [EngineStatus.Phase.starting, .draining, .stopped] {
            let answer = Readiness.answer(for: status(phase))
            #expect(answer.code == 503)
            #expect(answer.body.contains("\"\(phase.rawValue)\""))
        }
        #expect(Readiness.answer(for: status(isMakingProgress: false)).code == 503)
    }

    @Test func theStatusDocumentHoldsTheSnapshot() {
        let report = StatusReport(
            engine: status(owned: [true]), databasePart: .unread, listed: [1], host: "test", now: .now)
        let text = StatusDocument.answer(for: report).body
        #expect(
            text.hasPrefix(
                "{\"version\":\"\(Version.current)\",\"phase\":\"running\",\"database\":{\"connected\":true}"))
        #expect(text.contains("\"business_id\":1,\"is_owned\":true"))
        #expect(text.contains("\"quota\":null"))
    }
}
