import Harness
import LibPQ
import MarketSandbox
import Testing

extension Benchmarks {
    /// What a minute costs in which nothing happens: of one cabinet, and of thousands.
    @Test(arguments: [1, 5000]) func idle(cabinets: Int) async throws {
        try await Benchmark.withDatabase { database in
            try await withSandbox(Benchmark.market) { sandbox in
                let businesses = (11..<11 + cabinets).map(Int64.init)
                // The last of all has a row that waits.
                try await database.insert(1...1, business: businesses[businesses.count - 1])
                let settings = Benchmark.settings(database, sandbox, businesses: businesses)
                let start = ContinuousClock.now
                try await withDaemon(settings) { daemon in
                    try await waitUntil("it asks", every: .milliseconds(5), atMost: .seconds(60)) {
                        sandbox.state(withContexts: false).requests > 0
                    }
                    let first = ContinuousClock.now - start
                    let idle = try await database.minute(of: [daemon])
                    Benchmark.tell(
                        "idle, \(cabinets) cabinets",
                        "first request after \((first / .milliseconds(1)).tenths) ms; a minute: \(idle)")
                }
            }
        }
    }

    /// Two daemons in one database, with five hundred cabinets each.
    @Test func idleNeighbours() async throws {
        try await Benchmark.withDatabase { database in
            try await withSandbox(Benchmark.market) { sandbox in
                func settings(_ first: Int64) -> DaemonSettings {
                    Benchmark.settings(database, sandbox, businesses: Array(first..<first + 500))
                }
                try await withDaemon(settings(11)) { one in
                    try await withDaemon(settings(1011)) { other in
                        let idle = try await database.minute(of: [one, other])
                        Benchmark.tell("two idle daemons with 500 cabinets each", "a minute: \(idle)")
                    }
                }
            }
        }
    }
}

extension TestDatabase {
    /// What a minute costs, after some time to come to rest.
    fileprivate func minute(of daemons: [DaemonProcess]) async throws -> String {
        try await Task.sleep(for: .seconds(20))
        func cpu() throws -> Double { try daemons.reduce(0) { try $0 + ProcessUse(of: $1.pid).cpuSeconds } }
        let (cpuBefore, before) = (try cpu(), try await transactions())
        try await Task.sleep(for: .seconds(60))
        let (cpuAfter, after) = (try cpu(), try await transactions())
        let memory = try daemons.map { try ProcessUse(of: $0.pid).memory }
        // The two looks themselves are transactions too.
        return "\((cpuAfter - cpuBefore).thousandths) s of processor time, \(max(after - before - 2, 0)) transactions, "
            + memory.joined(separator: "; ")
    }

    private func transactions() async throws -> Int {
        // The statistics of a backend that is busy come in late.
        let rows = try await rows(
            """
            SELECT (xact_commit + xact_rollback)::int8 AS count FROM pg_stat_database WHERE datname = current_database()
            """)
        return Int(try rows[0].decode("count", as: Int64.self))
    }
}
