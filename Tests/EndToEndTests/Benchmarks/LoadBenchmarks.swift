import Harness
import LibPQ
import MarketSandbox
import Testing

extension Benchmarks {
    /// How fast a backlog goes, and what that costs.
    @Test func throughput() async throws {
        let businesses: [Int64] = [11, 12, 13, 14, 15]
        try await Benchmark.withDatabase { database in
            try await withSandbox(Benchmark.market) { sandbox in
                let settings = Benchmark.settings(
                    database, sandbox, businesses: businesses, ["MARKET_MAX_PARALLEL": "4"])
                try await withDaemon(settings) { daemon in
                    try await Benchmark.untilAsleep(daemon)
                    let before = try ProcessUse(of: daemon.pid)
                    try await database.run("BEGIN")
                    for business in businesses { try await database.insert(1...1000, business: business) }
                    try await database.run("COMMIT")
                    let start = ContinuousClock.now
                    try await database.untilSettled()
                    let seconds = (ContinuousClock.now - start) / .seconds(1)
                    let use = try ProcessUse(of: daemon.pid)
                    #expect(try await database.count("created") == 5000)
                    let cpu = use.cpuSeconds - before.cpuSeconds
                    Benchmark.tell(
                        "throughput",
                        "\((5000 / seconds).tenths) rows/s, \((cpu / 5).thousandths) ms of processor time a row, "
                            + use.memory)
                }
            }
        }
    }

    /// A million due rows stay in the database.
    @Test func backlog() async throws {
        try await Benchmark.withDatabase { database in
            try await database.run(
                """
                INSERT INTO market_chat.outbox (business_id, context_type, context_id, priority)
                SELECT 11 + n % 2, 'ORDER', n, n % 3 FROM generate_series(1, 1000000) n;
                ANALYZE market_chat.outbox;
                """, timeout: .seconds(600))
            try await withSandbox(Benchmark.market) { sandbox in
                let settings = Benchmark.settings(
                    database, sandbox, businesses: [11, 12], ["MARKET_MAX_PARALLEL": "4"])
                try await withDaemon(settings) { daemon in
                    var uses: [ProcessUse] = []
                    let start = ContinuousClock.now
                    for rows in [100, 10_000, 20_000, 30_000] {
                        try await waitUntil("\(rows) rows are asked for", atMost: .seconds(300)) {
                            sandbox.state(withContexts: false).requests >= rows
                        }
                        uses.append(try ProcessUse(of: daemon.pid))
                    }
                    let seconds = (ContinuousClock.now - start) / .seconds(1)
                    let (first, last) = (uses[0].residentBytes, uses[3].residentBytes)
                    #expect(last < first + 64_000_000)
                    let memory = uses.map { "\((Double($0.residentBytes) / 1e6).tenths) MB" }.joined(separator: ", ")
                    Benchmark.tell(
                        "backlog of a million",
                        "\((30_000 / seconds).tenths) rows/s; resident after 100, 10,000, 20,000, 30,000 rows: \(memory)"
                    )
                }
            }
        }
    }
}
