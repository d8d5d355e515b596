import MarketSandbox

/// How the daemon is configured: by its environment, as in production.
struct DaemonSettings: Sendable {
    /// In the order in which a person would write them.
    private let variables: KeyValuePairs<String, String>
    /// Where `/status.json` is.
    let httpURL: String

    init(databaseURL: String, marketURL: String, httpPort: Int, pace: Pace) {
        let address = "127.0.0.1:\(httpPort)"
        httpURL = "http://\(address)"
        variables = [
            "DATABASE_URL": databaseURL,
            "MARKET_BUSINESS_IDS": Traffic.businesses.map { "\($0.id)" }.joined(separator: ","),
            "MARKET_API_KEY": SandboxKey.defaultToken,
            "MARKET_API_URL": marketURL,
            "MARKET_MAX_PARALLEL": "\(DemoSettings.maxParallel)",
            "CHATD_RETRY_BASE": pace.retryBase,
            "CHATD_RETRY_MAX": pace.retryMax,
            "CHATD_NOT_FOUND_PATIENCE": pace.notFoundPatience,
            "CHATD_DRAIN_TIMEOUT": "3s",
            "CHATD_HTTP_LISTEN": address,
            "CHATD_LOG_LEVEL": "debug",
            "CHATD_LOG_FORMAT": "text",
        ]
    }

    /// The environment of a child: ours, without what would configure another daemon or lead to another database.
    func environment(inheriting own: [String: String]) -> [String: String] {
        let foreign = ["PG", "MARKET_", "CHATD_", "DATABASE_URL", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY"]
        var result = own.filter { name, _ in !foreign.contains { name.hasPrefix($0) } && name.first?.isNumber == false }
        for (name, value) in variables { result[name] = value }
        return result
    }

    /// The same as an env file. None of the values holds a quote or a backslash.
    var fileText: String { variables.map { "\($0.key)=\"\($0.value)\"\n" }.joined() }
}
