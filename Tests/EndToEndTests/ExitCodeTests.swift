import Glibc
import PrivatePostgres
import TestSupport
import Testing

/// How the program ends where it cannot work, and what it says.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct ExitCodeTests {
    /// Where nobody listens; no test here gets as far as a request.
    private static let market = "http://127.0.0.1:1"

    @Test func aWrongConfigurationIsNamedAsAWholeWithoutItsSecrets() async throws {
        let run = try await finish(
            DaemonSettings(
                ["run"],
                variables: [
                    "DATABASE_URL": "postgresql://chatd:hunter-2-secret@db%/shop",
                    "MARKET_BUSINESS_IDS": "11,-4",
                    "MARKET_API_KEY": "ACMA:secret key with spaces",
                    "MARKET_API_URL": "http://example.org",
                    "MARKET_MAX_PARALLEL": "5",
                    "CHATD_POLL_INTERVAL": "ten",
                    "CHATD_LOG_LEVEL": "lots",
                    "CHATD_DRAIN_TIMOUT": "3s",
                ]))
        #expect(run.ending == .exited(78))
        let keys = [
            "DATABASE_URL", "MARKET_BUSINESS_IDS", "MARKET_API_KEY", "MARKET_API_URL", "MARKET_MAX_PARALLEL",
            "CHATD_POLL_INTERVAL", "CHATD_LOG_LEVEL",
        ]
        for key in keys { #expect(run.errors.contains("  \(key) "), "\(key) is not named in \(run.errors)") }
        #expect(run.errors.contains("did you mean CHATD_DRAIN_TIMEOUT?"))
        for secret in ["hunter", "secret key", "ACMA:secret"] { #expect(!run.errors.contains(secret)) }
        #expect(run.output == "")
    }

    @Test func nothingAtAllIsAConfigurationError() async throws {
        let run = try await finish(DaemonSettings(["run"]))
        #expect(run.ending == .exited(78))
        #expect(run.errors.contains("MARKET_BUSINESS_IDS is not set"))
        #expect(run.errors.contains("MARKET_API_KEY"))
    }

    @Test func aMissingSchemaNamesTheCommandThatMakesIt() async throws {
        let database = try await TestDatabase.makeEmpty()
        let settings = DaemonSettings.run(database: database.connectionString, market: Self.market)
        for arguments in [["run"], ["run", "--once"], ["run", "--dry-run"]] {
            var settings = settings
            settings.arguments = arguments
            let run = try await finish(settings)
            #expect(run.ending == .exited(78), "\(arguments)")
            #expect(run.errors.contains("market-chatd migrate"), "\(arguments): \(run.errors)")
        }
    }

    @Test func aSchemaOfANewerVersionIsRefused() async throws {
        let database = try await TestDatabase.make()
        try await database.run("INSERT INTO market_chat.migration (version, name) VALUES (9999, 'future')")
        let settings = DaemonSettings.run(database: database.connectionString, market: Self.market)
        let run = try await finish(settings)
        #expect(run.ending == .exited(78))
        #expect(run.errors.contains("install the newer market-chatd"), "\(run.errors)")
    }

    @Test func anAddressInUseIsAConfigurationErrorAndNothingIsSent() async throws {
        let database = try await TestDatabase.make()
        let settings = DaemonSettings.run(database: database.connectionString, market: Self.market)
        try await withDaemon(settings) { daemon in
            let port = try await daemon.listener().port
            let second = try await finish(settings.with(["CHATD_HTTP_LISTEN": "127.0.0.1:\(port)"]))
            #expect(second.ending == .exited(78), "\(second.errors)")
            #expect(second.errors.contains("CHATD_HTTP_LISTEN"))
            #expect(second.errors.contains("another program listens there"))
            #expect(!second.errors.contains("Business owned"))
        }
    }

    @Test(arguments: [["fly"], ["run", "--twice"], ["run", "extra"], ["migrate", "--once"]])
    func whatIsNoCommandIsAUsageError(arguments: [String]) async throws {
        let run = try await finish(DaemonSettings(arguments))
        #expect(run.ending == .exited(64), "\(run.errors)")
        #expect(run.errors.contains("Usage:"), "\(run.errors)")
    }

    @Test func helpAndVersionAreNoErrors() async throws {
        for (arguments, text) in [(["--help"], "EXIT CODES"), (["run", "--help"], "CHATD_POLL_INTERVAL")] {
            let run = try await finish(DaemonSettings(arguments))
            #expect(run.ending == .exited(0))
            #expect(run.output.contains(text))
        }
        let version = try await finish(DaemonSettings(["--version"]))
        #expect(version.ending == .exited(0))
        #expect(version.output.hasPrefix("market-chatd "))
    }

    @Test func aDatabaseThatIsAwayFailsWhatWaitsForNothing() async throws {
        let nowhere = "host=/nonexistent dbname=shop connect_timeout=2"
        let migration = try await finish(DaemonSettings(["migrate"], variables: ["DATABASE_URL": nowhere]))
        #expect(migration.ending == .exited(1))
        let settings = DaemonSettings.run(database: nowhere, market: Self.market, ["CHATD_DRAIN_TIMEOUT": "200ms"])
        let once = try await finish(settings.with(arguments: "run", "--once"))
        #expect(once.ending == .exited(1), "\(once.errors)")
        for run in [migration, once] {
            #expect(run.errors.contains("The database is not available"), "\(run.errors)")
        }
    }
}
