import Harness
import MarketSandbox
import Testing

/// Rows of one business, some of which the Market answers badly for ever, while it would create the others at once.
struct Crowd: Sendable {
    /// Context ids. The lower the id of a row, the longer it is due, whether order or return; all are due at once.
    var orders: ClosedRange<Int>
    var returns: ClosedRange<Int>?
    var bad: [SandboxBadRule]

    /// How many of its rows are good.
    var goodCount: Int {
        let returns = returns.map { Array($0) } ?? []
        return orders.count { !isBad(.order, Int64($0)) } + returns.count { !isBad(.return, Int64($0)) }
    }

    /// Runs a daemon with the defaults of a seller beside these rows, until the good ones are created or `limit` is over.
    func expectGoodRows(within limit: Duration) async throws {
        let database = try await TestDatabase.make()
        var options = SandboxOptions()
        options.bad = bad
        try await withSandbox(options) { sandbox in
            try await withDaemon(.run(database, sandbox).withDefaultPauses) { daemon in
                try await daemon.log.line("Listening")
                try await insert(into: database)
                let start = ContinuousClock.now
                try await comesTrue(within: limit) { try await database.count("created") == goodCount }
                let report = try await report(database, sandbox.state(), after: ContinuousClock.now - start)
                if Benchmark.isOn { Benchmark.tell("\(Test.current?.name ?? "")", "\(report)") }
                #expect(report.created == goodCount, "\(report)")
                #expect(report.twice == 0, "\(report)")
                #expect(try await database.count("rejected") == 0, "\(report)")
                #expect(sandbox.state(withContexts: false).businesses.allSatisfy { $0.quotaRefusals == 0 }, "\(report)")
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }

    private func insert(into database: TestDatabase) async throws {
        let orders = orders.map { ("ORDER", $0) }
        let returns = returns?.map { ("RETURN", $0) } ?? []
        let values = (orders + returns).map { "('\($0)', \($1))" }.joined(separator: ", ")
        try await database.run(
            """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, due_at)
            SELECT 11, type, id, now() - interval '1 hour' + id * interval '1 second'
            FROM (VALUES \(values)) AS r (type, id) ORDER BY id
            """)
    }

    private func report(
        _ database: TestDatabase, _ state: SandboxState, after time: Duration
    ) async throws -> Report {
        let bad = state.contexts.filter { isBad($0.kind, $0.id) }
        let good = state.contexts.filter { !isBad($0.kind, $0.id) }
        return Report(
            created: try await database.count("created"), goodCount: goodCount, time: time,
            goodCalls: good.reduce(0) { $0 + $1.requests }, badCalls: bad.reduce(0) { $0 + $1.requests },
            badAsked: bad.count, twice: good.count { $0.requests > 1 })
    }

    private func isBad(_ kind: SandboxContext.Kind, _ id: Int64) -> Bool {
        bad.contains { ($0.type == nil || $0.type == kind) && ($0.from...$0.to).contains(id) }
    }

    /// How far it got.
    private struct Report: CustomStringConvertible {
        var created: Int
        var goodCount: Int
        var time: Duration
        var goodCalls: Int
        var badCalls: Int
        /// How many bad rows were asked for at all.
        var badAsked: Int
        /// How many good rows were asked for more than once.
        var twice: Int

        var description: String {
            "\(created) of \(goodCount) good rows were created after \(time.tenthsOfSeconds); \(goodCalls) calls for them "
                + "(\(twice) rows were asked for again), \(badCalls) calls for \(badAsked) bad rows"
        }
    }
}

extension DaemonSettings {
    /// The pauses after a failure that a seller has who sets none.
    var withDefaultPauses: DaemonSettings { with(["CHATD_RETRY_BASE": nil, "CHATD_RETRY_MAX": nil]) }
}

extension Duration {
    /// Such as `12.3 s`.
    var tenthsOfSeconds: String { "\((self / .seconds(1)).tenths) s" }
}
