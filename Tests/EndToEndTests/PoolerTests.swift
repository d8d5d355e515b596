import Glibc
import Harness
import LibPQ
import MarketSandbox
import TestSupport
import Testing

/// A connection pooler before the server: in session mode it is as good as the server itself, in others it is refused.
@Suite(.concurrencyLimited, .enabled(if: Pooler.program != nil, "PgBouncer is not installed"), .timeLimit(.minutes(10)))
struct PoolerTests {
    private static var market: SandboxOptions {
        var options = SandboxOptions()
        options.quota = 100_000
        options.latency = .milliseconds(10)
        return options
    }

    private func settings(_ pooler: Pooler, _ sandbox: MarketSandboxServer) -> DaemonSettings {
        .run(database: pooler.connectionString, market: sandbox.url)
    }

    /// No poll comes to the rescue: the pooler ends the dead owner's session, or gives its locks back.
    @Test func anotherDaemonTakesOverThroughAPoolInSessionMode() async throws {
        let database = try await TestDatabase.make()
        let pooler = Pooler(before: database, .session)
        try await withSandbox(Self.market) { sandbox in
            try await pooler.run {
                try await withDaemon(settings(pooler, sandbox)) { owner in
                    try await owner.log.line("Business owned")
                    try await withDaemon(settings(pooler, sandbox)) { heir in
                        try await untilAStandbyWaits(database)
                        try await database.insert(1...150)
                        try await waitUntil("some rows are settled", every: .milliseconds(2)) {
                            try await database.count("created") >= 20
                        }
                        owner.send(SIGKILL)
                        #expect(try await owner.ending() == .killed(by: SIGKILL))
                        let left = try await database.count("pending")
                        #expect(left > 0, "the owner had done all before it was killed")
                        #expect(try heir.log.lines().allSatisfy { $0.level != "warning" && $0.level != "error" })
                        try await heir.log.line("Business owned")
                        try await database.untilSettled()
                        #expect(try await heir.drain() == .exited(0))
                    }
                }
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 150)
        }
    }

    private func untilAStandbyWaits(_ database: TestDatabase) async throws {
        let waiting = """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'
            """
        try await waitUntil("a standby waits for the owner") { try await database.number(waiting) == 1 }
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func theDaemonGoesOnAfterThePoolerWasRestartedUnderLoad(signal: CInt) async throws {
        let database = try await TestDatabase.make()
        let pooler = Pooler(before: database, .session)
        try await withSandbox(Self.market) { sandbox in
            try await withDaemon(settings(pooler, sandbox)) { daemon in
                try await pooler.run(endingBy: signal) {
                    try await database.insert(1...150)
                    try await waitUntil("some rows are settled", every: .milliseconds(2)) {
                        try await database.count("created") >= 20
                    }
                }
                try await daemon.log.line("Database session lost")
                #expect(try await daemon.get("/readyz").status == 503)
                let left = try await database.count("pending")
                #expect(left > 0, "all was done before the pooler was ended")
                try await pooler.run {
                    try await database.untilSettled()
                    #expect(try await daemon.drain() == .exited(0))
                }
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 150)
        }
    }

    /// A pool whose connections have no server process for themselves.
    enum Sessionless: String, Sendable, CaseIterable {
        case transaction, transactionInTurn, transactionOfOne, statement, statementOfOne

        var mode: Pooler.Mode { self == .statement || self == .statementOfOne ? .statement : .transaction }

        var settings: [String: String] {
            switch self {
            case .transaction, .statement: [:]
            case .transactionInTurn: ["server_round_robin": "1"]
            case .transactionOfOne, .statementOfOne: ["default_pool_size": "1"]
            }
        }

        /// Processes that are there already: where two are taken in turn, a transaction beside ours takes the other one.
        var processes: Int { self == .transactionInTurn ? 2 : 0 }
    }

    @Test(arguments: Sessionless.allCases, [["run"], ["run", "--once"]])
    func aPoolThatKeepsNoSessionIsRefused(pool: Sessionless, arguments: [String]) async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...3)
        let pooler = Pooler(before: database, pool.mode, settings: pool.settings)
        try await withSandbox { sandbox in
            var settings = settings(pooler, sandbox)
            settings.arguments = arguments
            let run = try await pooler.run {
                try await fill(pooler, processes: pool.processes)
                return try await finish(settings, atMost: .seconds(20))
            }
            #expect(run.ending == .exited(78), "\(run.errors)")
            #expect(run.errors.contains("connection pooler in transaction or statement mode"), "\(run.errors)")
            #expect(run.errors.contains("a pool in session mode"), "\(run.errors)")
            #expect(sandbox.state().requests == 0)
        }
    }

    /// A person's commands work behind any pool; and what they set must not stay for the shop's next order.
    @Test func aPersonsCommandLeavesNothingBehindInAPool() async throws {
        let database = try await TestDatabase.make()
        let pooler = Pooler(before: database, .transaction, settings: ["default_pool_size": "1"])
        try await withSandbox { sandbox in
            let settings = settings(pooler, sandbox)
            try await pooler.run {
                func values() async throws -> String? {
                    let connection = try await pooler.connection()
                    let names = [
                        "default_transaction_read_only", "transaction_read_only", "statement_timeout", "lock_timeout",
                        "enable_seqscan", "client_min_messages",
                    ]
                    let list = names.map { "current_setting('\($0)')" }.joined(separator: " || ',' || ")
                    let rows = try await connection.query(PostgresStatement("SELECT \(list) AS value"))
                    await connection.close()
                    return try rows[0].decode("value")
                }
                let before = try await values()
                for arguments in [
                    ["enqueue", "--business", "11", "--order", "1"], ["status"], ["run", "--dry-run"],
                    ["explain", "--business", "11", "--order", "1"], ["pause", "--business", "11"],
                ] {
                    var settings = settings
                    settings.arguments = arguments
                    let run = try await finish(settings)
                    #expect(run.ending == .exited(0), "\(arguments): \(run.errors)")
                    #expect(try await values() == before, "\(arguments)")
                }
            }
        }
        #expect(try await database.count("pending") == 1)
    }

    private func fill(_ pooler: Pooler, processes: Int) async throws {
        var connections: [PostgresConnection] = []
        for _ in 0..<processes {
            let connection = try await pooler.connection()
            _ = try await connection.query(PostgresStatement("BEGIN"))
            connections.append(connection)
        }
        for connection in connections {
            _ = try await connection.query(PostgresStatement("ROLLBACK"))
            await connection.close()
        }
    }

    /// Such a pool has not even noticed that the owner is dead, and gives its session to the next one, locks included.
    @Test func theLocksOfADeadOwnerAreNotInheritedFromAPoolThatResetsNoSession() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...3)
        let pooler = Pooler(before: database, .session, settings: ["server_reset_query": ""])
        try await withSandbox { sandbox in
            try await pooler.run {
                let (dead, fresh) = (try await pooler.connection(), try await pooler.connection())
                let own = PostgresStatement("SELECT pg_advisory_lock(market_chat.owner_key(11))")
                let nothing = PostgresStatement("SELECT 1")
                for (connection, statement) in [(dead, own), (fresh, nothing)] {
                    _ = try await connection.query(statement)
                }
                // The daemon's session gets the one that was let go of last; the dead one's is for what it opens beside.
                await dead.close()
                _ = try await fresh.query(nothing)
                await fresh.close()
                try await withDaemon(settings(pooler, sandbox)) { daemon in
                    try await database.untilSettled(atMost: .seconds(20))
                    #expect(try await daemon.drain() == .exited(0))
                }
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 3)
        }
    }
}
