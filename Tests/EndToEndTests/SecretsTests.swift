import Harness
import MarketSandbox
import TestSupport
import Testing

/// Keys and passwords go to the Market and to the database, and nowhere else.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct SecretsTests {
    private static let key = "ACMA:\(String(repeating: "K", count: 40)):0ddba11e"
    private static let password = "hunter-2-Swordfish"
    private static let secrets = [key, String(repeating: "K", count: 20), "0ddba11e", password, "Swordfish"]

    @Test func neitherKeyNorPasswordAppearsAnywhereAtTheFinestLogLevel() async throws {
        let database = try await TestDatabase.make()
        var options = SandboxOptions()
        options.keys = [SandboxKey(token: Self.key, businesses: [11])]
        options.faults = .all(share: 0.06, slowMilliseconds: 20)
        try await withSandbox(options) { sandbox in
            // Business 12 is refused with the same key: 403.
            let settings = DaemonSettings.run(
                database, sandbox, businesses: [11, 12],
                [
                    "DATABASE_URL": "\(database.connectionString) password='\(Self.password)'",
                    "MARKET_API_KEY": Self.key, "CHATD_LOG_LEVEL": "trace",
                ])
            try await database.insert(1...100)
            try await database.insert(1...3, business: 12)
            let written = try await withDaemon(settings) { daemon in
                try await waitUntil("business 11 is served", every: .milliseconds(20)) {
                    try await database.count("created") == 100
                }
                try await daemon.log.line("Business held: check MARKET_API_KEY")
                // A session that breaks is told of as well.
                try await database.run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                        + " AND pid <> pg_backend_pid()")
                try await daemon.log.line("Database session lost")
                try await daemon.log.line("Database session opened", count: 2)
                var pages = ""
                for path in ["/metrics", "/status.json", "/readyz", "/healthz", "/"] {
                    pages += try await daemon.get(path).body
                }
                let commandLine = try TextFile.read("/proc/\(daemon.pid)/cmdline")
                #expect(try await daemon.drain() == .exited(0))
                let log = try daemon.log.text()
                #expect(log.contains(#""level":"debug""#))
                let lost = log.split(separator: "\n").first { $0.contains("Database session lost") }
                #expect(lost?.contains("postgres@local/\(database.name): ") == true, "\(lost as Any)")
                return log + (try daemon.standardOutput()) + pages + commandLine
            }
            let kept = try await database.text(
                """
                SELECT concat_ws(' ', (SELECT string_agg(o::text, ' ') FROM market_chat.outbox o),
                    (SELECT string_agg(a::text, ' ') FROM market_chat.attempt a),
                    (SELECT string_agg(b::text, ' ') FROM market_chat.business b))
                """)
            for secret in Self.secrets {
                #expect(!written.contains(secret))
                #expect(kept?.contains(secret) == false)
            }
        }
    }

    @Test(arguments: [
        "host=127.0.0.1 port=1 dbname=shop user=chatd password=\(password)",
        "postgresql://chatd:\(password)@127.0.0.1:1/shop",
        "postgresql://chatd:\(password)@127.0.0.1:1/shop?no_such_option=1",
        "host=127.0.0.1 port=1 password=\(password) = broken",
        "postgresql://chatd:\(password)@[::1/shop",
        // A ? in a password, before an @ and a /.
        "postgresql://chatd:p?w@\(password)/x@127.0.0.1:1/shop",
    ])
    func aDatabaseThatCannotBeReachedIsToldOfWithoutItsPassword(url: String) async throws {
        let settings = DaemonSettings.run(
            database: url, market: "http://127.0.0.1:1",
            ["CHATD_LOG_LEVEL": "trace", "CHATD_DRAIN_TIMEOUT": "100ms", "MARKET_API_KEY": Self.key])
        for arguments in [["run", "--once"], ["run", "--dry-run"], ["migrate"]] {
            var settings = settings
            settings.arguments = arguments
            let run = try await finish(settings)
            #expect(run.ending == .exited(1) || run.ending == .exited(78))
            #expect(!run.errors.isEmpty)
            for secret in Self.secrets { #expect(!(run.errors + run.output).contains(secret), "\(run.errors)") }
        }
    }
}
