import Glibc
import MarketSandbox
import TestSupport
import Testing

/// A connection pooler before the server: in session mode it is as good as the server itself, in others it is refused.
@Suite(.seated, .enabled(if: Pooler.program != nil, "PgBouncer is not installed"), .timeLimit(.minutes(3)))
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
            try await database.expectTruth(of: sandbox, rows: 150)
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
            try await database.expectTruth(of: sandbox, rows: 150)
        }
    }

    @Test(arguments: [["run"], ["run", "--once"], ["run", "--dry-run"]])
    func aPoolThatKeepsNoSessionIsRefused(arguments: [String]) async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...3)
        let pooler = Pooler(before: database, .transaction)
        try await withSandbox { sandbox in
            var settings = settings(pooler, sandbox)
            settings.arguments = arguments
            let run = try await pooler.run { try await finish(settings) }
            #expect(run.ending == .exited(78), "\(run.errors)")
            #expect(run.errors.contains("connection pooler in transaction"), "\(run.errors)")
            #expect(run.errors.contains("a pool in session mode"), "\(run.errors)")
            #expect(sandbox.state().requests == 0)
        }
    }
}
