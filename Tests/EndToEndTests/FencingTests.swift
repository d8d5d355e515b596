import Glibc
import Harness
import LibPQ
import MarketSandbox
import PrivatePostgres
import TestSupport
import Testing

/// Who owns a business where that is in doubt: a process that froze, and sessions that are no daemon's.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct FencingTests {
    @Test func aFrozenOwnerLosesItsBusinessAndWritesNothingWhenItWakesUp() async throws {
        let database = try await TestDatabase.make()
        var market = SandboxOptions()
        market.latency = .milliseconds(100)
        try await withSandbox(market) { sandbox in
            let settings = DaemonSettings.run(database, sandbox, ["CHATD_POLL_INTERVAL": "500ms"])
            try await withDaemon(settings) { owner in
                try await owner.log.line("Business owned")
                try await database.insert(1...20)
                try await waitUntil("it works", every: .milliseconds(1)) { try await database.count("created") >= 3 }
                owner.send(SIGSTOP)
                try await withDaemon(settings) { standby in
                    try await standby.log.line("Business owned")
                    try await database.untilSettled()
                    owner.send(SIGCONT)
                    try await owner.log.line("Database session lost")
                    // It stands by, and a new row is the other one's.
                    try await owner.log.line("Database session opened", count: 2)
                    try await database.insert(21...30)
                    try await database.untilSettled()
                    #expect(try await standby.drain() == .exited(0))
                }
                #expect(try await owner.drain() == .exited(0))
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 30)
        }
    }

    @Test func aStrangerThatHoldsAnOwnersKeyIsNamedAndAskedForSeldom() async throws {
        let database = try await TestDatabase.make()
        let stranger = try await database.anotherConnection()
        let pid: Int32 = try await stranger.query(
            PostgresStatement(
                """
                SELECT pg_backend_pid() AS pid, set_config('application_name', 'a curious one', false),
                    pg_advisory_lock(market_chat.owner_key(11))
                """))[0].decode("pid")
        try await database.insert(1...2)
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox, ["CHATD_POLL_INTERVAL": "30s"])) { daemon in
                let line = try await daemon.log.line("Business owned by a session that is no market-chatd")
                #expect(line.fields["business.id"] == "11" && line.fields["database.process"] == "\(pid)")
                #expect(line.fields["database.application"] == "a curious one")
                #expect(try await database.count("created") == 0)
                // About once a second from here on, each time with three transactions; before it was 50 times.
                // The server counts with a delay of a second.
                try await Task.sleep(for: .seconds(2))
                let before = try await database.number(Self.looks)
                try await Task.sleep(for: .seconds(2))
                #expect(try await database.number(Self.looks) - before <= 30)
                await stranger.close()
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }

    /// Transactions of this database, those of the test's own look included.
    private static let looks = "(SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())"

    /// Connections beside the session are closed before the server ends them, which it would log as an error.
    @Test func idleConnectionsLeaveNoErrorsInTheServersLog() async throws {
        let cluster = try await PrivatePostgres.start()
        do {
            let database = try await TestDatabase.make(in: cluster)
            try await withSandbox { sandbox in
                let settings = DaemonSettings.run(
                    database, sandbox, ["CHATD_POLL_INTERVAL": "500ms", "CHATD_RETENTION": "1d"])
                try await withDaemon(settings) { daemon in
                    try await database.insert(1...2)
                    try await database.untilSettled()
                    let beside = """
                        (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                        AND application_name LIKE 'market-chatd@%' AND pid NOT IN (SELECT pid FROM pg_locks
                        WHERE locktype = 'advisory'))
                        """
                    try await waitUntil("no idle connection is left") { try await database.number(beside) == 0 }
                    #expect(try await daemon.drain() == .exited(0))
                }
            }
            await database.connection.close()
            #expect(!(try TextFile.read(cluster.logFile)).contains("idle-session timeout"))
        } catch {
            await cluster.stopAndRemove()
            throw error
        }
        await cluster.stopAndRemove()
    }
}
