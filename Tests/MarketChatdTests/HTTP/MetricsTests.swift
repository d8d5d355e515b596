import ChatOutbox
import TestSupport
import Testing

@testable import ChatSync
@testable import MarketChatd

@Suite(.seated) struct MetricsTests {
    private let process = ProcessFacts(startTimeSeconds: 1_788_967_080.5, residentBytes: 27_000_000, cpuSeconds: 1.25)

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

    @Test func theWholePageIsAsDocumented() {
        let lines = MetricsText.render(status([owned]), process: process).split(separator: "\n").map(String.init)
        #expect(
            lines.filter { !$0.hasPrefix("#") } == [
                "market_chatd_build_info{version=\"\(Version.current)\"} 1",
                "market_chatd_database_up 1",
                "market_chatd_making_progress 1",
                "market_chatd_requests_total{business=\"11\"} 20",
                "market_chatd_created_total{business=\"11\"} 15",
                "market_chatd_rejected_total{business=\"11\"} 1",
                "market_chatd_backoffs_total{business=\"11\"} 2",
                "market_chatd_deferred_total{business=\"11\"} 3",
                "market_chatd_refused_writes_total{business=\"11\"} 4",
                "market_chatd_420_total{business=\"11\",kind=\"quota\"} 5",
                "market_chatd_420_total{business=\"11\",kind=\"parallel\"} 6",
                "market_chatd_owned{business=\"11\"} 1",
                "market_chatd_paused{business=\"11\"} 0",
                "market_chatd_held_seconds{business=\"11\"} 1.5",
                "market_chatd_in_flight{business=\"11\"} 2",
                "market_chatd_due{business=\"11\"} 12",
                "market_chatd_oldest_due_seconds{business=\"11\"} 4",
                "market_chatd_quota_limit{business=\"11\"} 1000",
                "market_chatd_quota_remaining{business=\"11\"} 987",
                "market_chatd_quota_resets_seconds{business=\"11\"} 60",
                "process_start_time_seconds 1788967080.5",
                "process_resident_memory_bytes 27000000",
                "process_cpu_seconds_total 1.25",
            ])
    }

    @Test func everyMetricHasItsHelpAndTypeOnceBeforeItsSamples() {
        var second = owned
        second.businessID = 12
        let lines = MetricsText.render(status([owned, second]), process: process).split(separator: "\n")
        var current = ""
        var seen: Set<String> = []
        for line in lines {
            let words = line.split(separator: " ")
            if line.hasPrefix("# HELP ") {
                current = String(words[2])
                #expect(seen.insert(current).inserted)
            } else if line.hasPrefix("# TYPE ") {
                #expect(words[2] == current)
                #expect(words[3] == (current.hasSuffix("_total") ? "counter" : "gauge"))
            } else {
                #expect(line.hasPrefix(current + "{") || line.hasPrefix(current + " "))
            }
        }
    }

    @Test func whatAnotherInstanceOwnsHasCountersButNoGauges() {
        let text = MetricsText.render(
            status([BusinessStatus(businessID: 7)], database: .connecting(problem: nil)), process: process)
        #expect(text.contains("market_chatd_created_total{business=\"7\"} 0\n"))
        #expect(text.contains("market_chatd_owned{business=\"7\"} 0\n"))
        #expect(!text.contains("market_chatd_due{"))
        #expect(text.contains("market_chatd_database_up 0\n"))
    }

    @Test func labelsAreEscaped() {
        var page = MetricsPage()
        page.gauge("x", "X.", [(["a": "q\"b\\c\nd"], 0.5)])
        #expect(page.text == "# HELP x X.\n# TYPE x gauge\nx{a=\"q\\\"b\\\\c\\nd\"} 0.5\n")
    }

    @Test func theProcessKnowsItself() {
        let facts = ProcessFacts.current(startedAt: .now)
        #expect((facts.residentBytes ?? 0) > 1_000_000)
        #expect((facts.cpuSeconds ?? 0) > 0)
    }
}

@Suite(.seated) struct StatusAnswerTests {
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
        let text = StatusDocument.answer(for: status(owned: [true])).body
        #expect(
            text.hasPrefix(
                "{\"version\":\"\(Version.current)\",\"phase\":\"running\",\"database\":{\"connected\":true}"))
        #expect(text.contains("\"business_id\":1,\"is_owned\":true"))
        #expect(text.contains("\"quota\":null"))
    }
}
