import ChatOutbox
import Harness
import LibPQ
import MarketSandbox
import PrivatePostgres
import Testing

// What the seller's database pays.
extension Benchmarks {
    /// One insert on one connection, each in a transaction of its own: what each part of the outbox adds to a table with
    /// its two keys.
    @Test func insertion() async throws {
        try await Benchmark.withDatabase { database in
            try await database.run(Self.insertionTables)
            let connection = try await database.anotherConnection()
            _ = try await connection.query(PostgresStatement("SET synchronous_commit = off"))
            var costs = [[ServerCost]](repeating: [], count: Self.insertionVariants.count)
            var number: Int64 = 0
            for round in 0..<20 {
                for (index, table) in Self.insertionVariants.enumerated() {
                    let before = try await ServerCost(of: connection, in: database)
                    for _ in 0..<500 {
                        number += 1
                        let insert = PostgresStatement(
                            """
                            INSERT INTO \(table) (business_id, context_type, context_id) VALUES (11, 'ORDER', $1)
                            ON CONFLICT DO NOTHING
                            """, [.int64(number)], isPrepared: true)
                        _ = try await connection.query(insert)
                    }
                    let cost = try await ServerCost(of: connection, in: database) - before
                    // The first round only warms up.
                    if round > 0 { costs[index].append(cost / 500) }
                }
            }
            await connection.close()
            let medians = costs.map { ServerCost.median(of: $0) }
            for (table, cost) in zip(Self.insertionVariants, medians) {
                let ratio = cost.microseconds / medians[1].microseconds
                Benchmark.tell("insertion into \(table)", "\(cost), \(ratio.thousandths) of the table with its keys")
            }
        }
    }

    private static let insertionVariants = ["heap", "keys", "pending", "checks", "market_chat.outbox"]

    private static let insertionTables = """
        CREATE TABLE heap (LIKE market_chat.outbox INCLUDING DEFAULTS INCLUDING IDENTITY);
        CREATE TABLE keys (LIKE heap INCLUDING ALL, PRIMARY KEY (id), UNIQUE (business_id, context_type, context_id));
        CREATE TABLE pending (LIKE keys INCLUDING ALL);
        CREATE INDEX ON pending (business_id, priority DESC, due_at, id) WHERE state = 'pending';
        CREATE TABLE checks (LIKE market_chat.outbox INCLUDING ALL);
        """

    /// Results that are written by the statements of the daemon, where ANALYZE saw no pending row, into an empty table and
    /// beside two million settled rows; and for comparison an UPDATE by primary key.
    @Test func settlement() async throws {
        for settled in [0, 2_000_000] {
            try await Benchmark.withDatabase { database in
                try await database.fill(settled: settled)
                let outbox = PostgresOutbox(
                    .init(connectionString: database.connectionString, pollInterval: .seconds(60)))
                let session = try await outbox.openSession()
                let records = try await session.claim([11])
                let pid = try await database.rows(
                    """
                    SELECT a.pid FROM pg_stat_activity AS a
                    WHERE a.datname = current_database() AND a.application_name LIKE 'market-chatd%'
                    """)[0].decode("pid", as: Int32.self)
                func nudge() async throws {
                    try await Task.sleep(for: .milliseconds(1100))
                    _ = try await session.poll([])
                }
                for batch in [1, 256] {
                    let rounds = batch == 1 ? 500 : 40
                    try await database.insert(1...(batch * rounds + batch), business: Int64(1000 + batch))
                    let ids = try await database.rows(
                        "SELECT id FROM market_chat.outbox WHERE state = 'pending' ORDER BY id"
                    )
                    .map { try $0.decode("id", as: Int64.self) }
                    func settle(_ part: ArraySlice<Int64>) async throws {
                        let results = part.map {
                            RowResult(
                                rowID: $0, businessID: 11, attempts: 0, change: .created(chatID: $0), exchange: nil)
                        }
                        #expect(
                            try await session.settle(results, remembering: []) == part.map { _ in .written })
                    }
                    try await settle(ids[..<batch])
                    let before = try await ServerCost(of: pid, in: database, nudge: nudge)
                    let start = ContinuousClock.now
                    for round in 1...rounds { try await settle(ids[(round * batch)..<((round + 1) * batch)]) }
                    let time = (ContinuousClock.now - start) / Double(rounds)
                    let cost =
                        (try await ServerCost(of: pid, in: database, nudge: nudge) - before) / Double(rounds * batch)
                    Benchmark.tell(
                        "settlement of \(batch) beside \(settled) settled rows",
                        "\((time / .milliseconds(1)).thousandths) ms; a row: \(cost), \(cost.statistics)")
                }
                await session.close()
                await outbox.close()
                #expect(records.count == 1)
                try await compareUpdate(database, settled: settled)
            }
        }
    }

    private func compareUpdate(_ database: TestDatabase, settled: Int) async throws {
        try await database.insert(1...501, business: 5000)
        let ids = try await database.rows("SELECT id FROM market_chat.outbox WHERE state = 'pending' ORDER BY id")
            .map { try $0.decode("id", as: Int64.self) }
        let connection = try await database.anotherConnection()
        func nudge() async throws {
            try await Task.sleep(for: .milliseconds(1100))
            _ = try await connection.query(PostgresStatement("SELECT"))
        }
        func cost() async throws -> ServerCost {
            try await ServerCost(of: connection.backendPID, in: database, nudge: nudge)
        }
        var before = try await cost()
        for (index, id) in ids.enumerated() {
            if index == 1 { before = try await cost() }
            let update = PostgresStatement(
                "UPDATE market_chat.outbox SET state = 'created', chat_id = 5, settled_at = now() WHERE id = $1",
                [.int64(id)], isPrepared: true)
            _ = try await connection.query(update)
        }
        let mean = (try await cost() - before) / Double(ids.count - 1)
        await connection.close()
        Benchmark.tell("an UPDATE by primary key beside \(settled) settled rows", "a row: \(mean), \(mean.statistics)")
    }

    /// A burst, drained by the daemon in an empty database and in one with two million settled rows, in turn.
    @Test func drainBesideSettledRows() async throws {
        try await Benchmark.withDatabase { full in
            try await full.fill(settled: 2_000_000)
            try await Benchmark.withDatabase { empty in
                try await empty.fill(settled: 0)
                var rates: [[Double]] = [[], []]
                for round in 0..<5 {
                    for (index, database) in [full, empty].enumerated() {
                        let rate = try await drain(database, round: round)
                        if round > 0 { rates[index].append(rate) }
                    }
                }
                let medians = rates.map { $0.sorted()[$0.count / 2] }
                Benchmark.tell(
                    "drain",
                    "\(medians[0].tenths) rows/s beside two million settled rows, "
                        + "\(medians[1].tenths) in an empty database: \((medians[0] / medians[1]).thousandths)")
            }
        }
    }

    private func drain(_ database: TestDatabase, round: Int) async throws -> Double {
        var rate = 0.0
        try await withSandbox(Benchmark.market) { sandbox in
            let settings = Benchmark.settings(
                database, sandbox, businesses: [11, 12, 13], ["MARKET_MAX_PARALLEL": "4"])
            try await withDaemon(settings) { daemon in
                try await Benchmark.untilAsleep(daemon)
                try await database.run("ANALYZE market_chat.outbox")
                let first = 10_000_000 + round * 10_000
                let start = ContinuousClock.now
                for business in 11...13 { try await database.insert(first...(first + 1999), business: Int64(business)) }
                // The Market is looked at first, since to count rows costs the server more in one database than in the other.
                try await waitUntil("all rows are asked for", every: .milliseconds(5), atMost: .seconds(120)) {
                    sandbox.state(withContexts: false).requests >= 6000
                }
                try await database.untilSettled()
                rate = 6000 / ((ContinuousClock.now - start) / .seconds(1))
            }
        }
        return rate
    }
}

extension TestDatabase {
    /// Settled rows of other businesses, and statistics that know of no pending row.
    fileprivate func fill(settled: Int) async throws {
        try await run(
            """
            INSERT INTO market_chat.outbox
                (business_id, context_type, context_id, state, chat_id, settled_at, created_at, due_at)
            SELECT 100 + n % 10, 'ORDER', n, 'created', n, now(), now(), now() FROM generate_series(1, \(settled)) n
            """, timeout: .seconds(600))
        try await run("VACUUM ANALYZE market_chat.outbox", timeout: .seconds(600))
        try await run("CHECKPOINT", timeout: .seconds(600))
    }
}

/// What one backend, and the database with it, used.
private struct ServerCost: CustomStringConvertible {
    var microseconds = 0.0
    var walBytes = 0.0
    var buffers = 0.0
    var commits = 0.0

    init(of connection: PostgresConnection, in database: TestDatabase) async throws {
        try await self.init(of: connection.backendPID, in: database)
    }

    /// - Parameters:
    ///   - pid: of the backend. The rest counts for the whole database.
    ///   - nudge: a statement of the backend, which tells of its buffers and commits after one, once a second at most.
    init(of pid: Int32, in database: TestDatabase, nudge: () async throws -> Void = {}) async throws {
        try await nudge()
        let row = try await database.rows(
            """
            SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text AS wal,
                (blks_hit + blks_read)::text AS buffers, xact_commit::text AS commits
            FROM pg_stat_database WHERE datname = current_database()
            """)[0]
        walBytes = Double(try row.decode("wal", as: String.self)) ?? .nan
        buffers = Double(try row.decode("buffers", as: String.self)) ?? .nan
        commits = Double(try row.decode("commits", as: String.self)) ?? .nan
        // Nanoseconds on a processor. Source: Documentation/scheduler/sched-stats.rst of the kernel.
        let time = try TextFile.read("/proc/\(pid)/schedstat").split(separator: " ")[0]
        microseconds = (Double(time) ?? .nan) / 1000
    }

    static func - (left: ServerCost, right: ServerCost) -> ServerCost {
        var cost = left
        cost.microseconds -= right.microseconds
        cost.walBytes -= right.walBytes
        cost.buffers -= right.buffers
        cost.commits -= right.commits
        return cost
    }

    static func / (cost: ServerCost, count: Double) -> ServerCost {
        var part = cost
        part.microseconds /= count
        part.walBytes /= count
        part.buffers /= count
        part.commits /= count
        return part
    }

    static func median(of costs: [ServerCost]) -> ServerCost {
        costs.sorted { $0.microseconds < $1.microseconds }[costs.count / 2]
    }

    var description: String {
        "\(microseconds.tenths) µs of the backend's processor time, \(walBytes.tenths) B of WAL"
    }

    /// Of use after a nudge.
    var statistics: String { "\(buffers.tenths) buffers, \(commits.thousandths) commits" }
}
