import Harness
import LibPQ
import MarketSandbox
import Testing

extension Benchmarks {
    /// From the commit of a single row, on an idle daemon, to its request's arrival at the Market.
    @Test func reaction() async throws {
        try await Benchmark.withDatabase { database in
            try await withSandbox(Benchmark.market) { sandbox in
                try await withDaemon(Benchmark.settings(database, sandbox)) { daemon in
                    try await Benchmark.untilAsleep(daemon)
                    let (sinceReturn, sinceSending) = try await react(database, sandbox, count: 200)
                    Benchmark.tell(
                        "reaction",
                        "since the commit returned: \(sinceReturn.figures); "
                            + "since it was sent: \(sinceSending.figures)")
                }
            }
        }
    }

    private func react(
        _ database: TestDatabase, _ sandbox: MarketSandboxServer, count: Int
    ) async throws -> (sinceReturn: Times, sinceSending: Times) {
        var (sinceReturn, sinceSending) = (Times(), Times())
        let listener = try await database.anotherConnection()
        _ = try await listener.query(PostgresStatement("LISTEN market_chat_created"))
        var created = listener.notifications.makeAsyncIterator()
        var random = SplitMix64(seed: 1)
        for id in 1...Int64(count) {
            let insert = PostgresStatement(
                "INSERT INTO market_chat.outbox (business_id, context_type, context_id) VALUES (11, 'ORDER', $1)",
                [.int64(id)], isPrepared: true)
            let sent = SandboxMoment.monotonicNow()
            _ = try await database.connection.query(insert)
            let returned = SandboxMoment.monotonicNow()
            // It is settled, and a little later the daemon sleeps again.
            _ = await created.next()
            let context = sandbox.state().contexts.first { $0.id == id }
            let arrival = try #require(context?.arrivals.first)
            sinceReturn.nanoseconds.append(Int64(arrival) - Int64(returned))
            sinceSending.nanoseconds.append(Int64(arrival) - Int64(sent))
            try await Task.sleep(for: .milliseconds(Int.random(in: 10...40, using: &random)))
        }
        await listener.close()
        return (sinceReturn, sinceSending)
    }
}
