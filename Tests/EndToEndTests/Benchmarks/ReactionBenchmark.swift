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

    /// The same for a quiet cabinet while another one's backlog is drained: by the same daemon, and by a daemon of its own.
    /// What lies between the two is what a cabinet waits for behind its neighbour's statements.
    @Test func reactionBesideADrain() async throws {
        for round in 1...2 {
            for isShared in [true, false] {
                try await Benchmark.withDatabase { database in
                    try await withSandbox(Benchmark.market) { sandbox in
                        func settings(_ businesses: [Int64]) -> DaemonSettings {
                            Benchmark.settings(database, sandbox, businesses: businesses, ["MARKET_MAX_PARALLEL": "4"])
                        }
                        let times = try await withDaemon(settings(isShared ? [11, 12] : [11])) { _ in
                            if isShared { return try await self.reactQuietly(database, sandbox) }
                            return try await withDaemon(settings([12])) { _ in
                                try await self.reactQuietly(database, sandbox)
                            }
                        }
                        Benchmark.tell(
                            "reaction of a quiet cabinet beside a drain",
                            "round \(round), \(isShared ? "one daemon" : "a daemon each"): \(times.figures)")
                    }
                }
            }
        }
    }

    private func reactQuietly(_ database: TestDatabase, _ sandbox: MarketSandboxServer) async throws -> Times {
        func quiet() -> SandboxState.Business? {
            sandbox.state(withContexts: false).businesses.first { $0.id == 12 }
        }
        var times = Times()
        var random = SplitMix64(seed: 1)
        let backlog = 15_000
        try await database.insert(1...1, business: 12)
        try await waitUntil("the quiet cabinet is served") { quiet()?.requests == 1 }
        try await database.insert(1...backlog, business: 11)
        try await waitUntil("the backlog is drained") { sandbox.state(withContexts: false).requests > 500 }
        // As long as the backlog lasts.
        while times.nanoseconds.count < 300, sandbox.state(withContexts: false).requests < backlog - 500 {
            let before = quiet()?.requests ?? 0
            try await database.insert((before + 1)...(before + 1), business: 12)
            let returned = SandboxMoment.monotonicNow()
            try await waitUntil("its row is asked for", every: .milliseconds(1)) { quiet()?.requests == before + 1 }
            let arrival = try #require(quiet()?.lastArrivals.max())
            times.nanoseconds.append(Int64(arrival) - Int64(returned))
            try await Task.sleep(for: .milliseconds(Int.random(in: 20...60, using: &random)))
        }
        return times
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
