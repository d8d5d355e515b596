import MarketSandbox

/// What a daemon is told: its environment, of which it inherits nothing, and its command line.
struct DaemonSettings: Sendable {
    var variables: [String: String]
    var arguments: [String]
    /// Run before it, such as `setpriv` with options.
    var wrapper: [String] = []
    /// The program; `nil` for the one beside these tests.
    var program: String?

    /// Nothing is set.
    init(_ arguments: [String], variables: [String: String] = [:]) {
        self.arguments = arguments
        self.variables = variables
    }

    /// A daemon for these businesses, quick to try again and with a log to be read by a program.
    static func run(
        _ database: TestDatabase, _ sandbox: MarketSandboxServer, businesses: [Int64] = [11],
        _ more: [String: String] = [:]
    ) -> DaemonSettings {
        run(database: database.connectionString, market: sandbox.url, businesses: businesses, more)
    }

    static func run(
        database: String, market: String, businesses: [Int64] = [11], _ more: [String: String] = [:]
    ) -> DaemonSettings {
        let standard = [
            "DATABASE_URL": database,
            "MARKET_BUSINESS_IDS": businesses.map(String.init).joined(separator: ","),
            "MARKET_API_KEY": SandboxKey.defaultToken,
            "MARKET_API_URL": market,
            // Longer than any test has patience: no poll comes to the rescue.
            "CHATD_POLL_INTERVAL": "1h",
            "CHATD_RETRY_BASE": "20ms",
            "CHATD_RETRY_MAX": "200ms",
            "CHATD_HTTP_LISTEN": "127.0.0.1:0",
            "CHATD_LOG_FORMAT": "json",
        ]
        return DaemonSettings(["run"], variables: standard.merging(more) { $1 })
    }

    /// The same with other arguments.
    func with(arguments: String...) -> DaemonSettings {
        var copy = self
        copy.arguments = arguments
        return copy
    }

    /// The same with other variables; `nil` unsets.
    func with(_ variables: [String: String?]) -> DaemonSettings {
        var copy = self
        for (name, value) in variables { copy.variables[name] = value }
        return copy
    }
}
