import Glibc
import PrivatePostgres
import TestSupport
import Testing

/// `migrate`, and the environment file that every command takes.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct MigrateTests {
    private func migrate(_ url: String) -> DaemonSettings {
        DaemonSettings(["migrate"], variables: ["DATABASE_URL": url])
    }

    @Test func migrateMayBeRunTwiceAndFromSeveralMachinesAtOnce() async throws {
        let database = try await TestDatabase.makeEmpty()
        let outputs = try await withThrowingTaskGroup(of: FinishedRun.self) { group in
            for _ in 1...4 { group.addTask { try await finish(migrate(database.connectionString)) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outputs.allSatisfy { $0.ending == .exited(0) }, "\(outputs)")
        #expect(outputs.count { $0.output.contains("was created") } == 1)
        #expect(outputs.count { $0.output.contains("already") } == 3)
        #expect(try await database.number("SELECT count(*) FROM market_chat.migration") == 1)
    }

    /// What a package asks before it restarts a daemon.
    @Test func checkSaysWhetherThereIsAnythingToDoAndDoesNothing() async throws {
        let database = try await TestDatabase.makeEmpty()
        let role = "daemon_\(database.name)"
        let check = DaemonSettings(
            ["migrate", "--check"], variables: ["DATABASE_URL": database.connectionString(user: role)])
        try await database.run("CREATE ROLE \(role) LOGIN")
        let none = try await finish(check)
        #expect(none.ending == .exited(2) && none.errors.contains("there is no schema market_chat yet"), "\(none)")
        #expect(try await database.text("SELECT to_regnamespace('market_chat')") == nil)
        #expect(try await finish(migrate(database.connectionString)).ending == .exited(0))
        try await database.run(
            "GRANT USAGE ON SCHEMA market_chat TO \(role); GRANT SELECT ON market_chat.migration TO \(role)")
        let good = try await finish(check)
        #expect(good.ending == .exited(0) && good.output.contains("is of version"), "\(good)")
        try await database.run(
            "DELETE FROM market_chat.upgrade WHERE version = (SELECT max(version) FROM market_chat.upgrade)")
        let old = try await finish(check)
        #expect(old.ending == .exited(2) && old.output == "")
        #expect(
            old.errors.contains("the schema market_chat is of version 1 and this market-chatd needs "), "\(old.errors)")
        let elsewhere = "postgresql:///gone?host=\(database.cluster.socketDirectory)"
        let hidden = try await finish(
            DaemonSettings(["migrate", "--check"], variables: ["DATABASE_URL": elsewhere]))
        #expect(hidden.ending == .exited(78), "what cannot be told is neither: \(hidden)")
        let upgraded = try await finish(migrate(database.connectionString))
        #expect(upgraded.output.contains("was upgraded from version 1"), "\(upgraded)")
    }

    @Test func aRoleThatMayNotCreateTheSchemaEndsWith77AndIsToldWhatItLacks() async throws {
        let database = try await TestDatabase.makeEmpty()
        try await database.run("CREATE ROLE \(database.name)_guest LOGIN")
        let run = try await finish(migrate(database.connectionString(user: "\(database.name)_guest")))
        #expect(run.ending == .exited(77))
        #expect(run.errors.contains("GRANT CREATE ON DATABASE"), "\(run.errors)")
        #expect(try await database.text("SELECT to_regnamespace('market_chat')") == nil)
    }

    @Test func anEnvironmentFileConfiguresAndTheEnvironmentWinsOverIt() async throws {
        let database = try await TestDatabase.makeEmpty()
        let directory = try ScratchDirectory()
        let file = try directory.write(
            """
            # As systemd reads it.
            DATABASE_URL="\(database.connectionString)"
            CHATD_LOG_LEVEL=nonsense
            """, to: "chatd.env")
        var settings = DaemonSettings(["migrate", "--env-file", file])
        let wrong = try await finish(settings)
        #expect(wrong.ending == .exited(78))
        #expect(wrong.errors.contains("CHATD_LOG_LEVEL"), "\(wrong.errors)")
        settings.variables["CHATD_LOG_LEVEL"] = "info"
        let right = try await finish(settings)
        #expect(right.ending == .exited(0), "\(right.errors)")
        #expect(right.output.contains("was created"))
    }

    @Test func libpqReadsItsOwnVariablesFromTheEnvironmentFileToo() async throws {
        let database = try await TestDatabase.makeEmpty()
        let directory = try ScratchDirectory()
        let file = try directory.write(
            """
            PGHOST=\(database.cluster.socketDirectory)
            PGPORT=\(database.cluster.port)
            PGDATABASE=\(database.name)
            PGUSER=\(PrivatePostgres.superuser)
            """, to: "chatd.env")
        let run = try await finish(DaemonSettings(["migrate", "--env-file", file]))
        #expect(run.ending == .exited(0), "\(run.errors)")
    }

    @Test func anEnvironmentFileThatIsNotThereIsAConfigurationError() async throws {
        let run = try await finish(DaemonSettings(["run", "--env-file", "/nonexistent/chatd.env"]))
        #expect(run.ending == .exited(78))
        #expect(run.errors.contains("/nonexistent/chatd.env does not exist"), "\(run.errors)")
    }

    @Test func anEnvironmentFileThatMayNotBeReadEndsWith77() async throws {
        let directory = try ScratchDirectory()
        let file = try directory.write("CHATD_LOG_LEVEL=info\n", to: "chatd.env", mode: 0)
        var settings = DaemonSettings(["run", "--env-file", file])
        // Root may read every file, by two capabilities.
        if geteuid() == 0 { settings.wrapper = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] }
        let run = try await finish(settings)
        #expect(run.ending == .exited(77), "\(run.errors)")
        #expect(run.errors.contains("may not be read"), "\(run.errors)")
    }
}
