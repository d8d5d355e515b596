import ChatOutbox
import Logging
import MarketAPI

/// What the daemon was told, checked as a whole. See ``ConfigurationKey`` for the keys.
struct Configuration: Sendable {
    /// A libpq connection string; empty for libpq's own `PG*` variables.
    var databaseURL: SecretString
    /// The cabinets, each once, at least one.
    var businessIDs: [Int64]
    var keySources: MarketKeySources
    var keys: MarketKeys
    /// `https://host[:port][/prefix]`.
    var apiURL: String
    var caFile: String?
    var requestsPerHour: Int
    var quotaReserve: Int
    var maxParallel: Int
    var requestTimeout: Duration
    var isKeepAlive: Bool
    var pollInterval: Duration
    var retryBase: Duration
    var retryMax: Duration
    var notFoundPatience: Duration
    var drainTimeout: Duration
    /// `nil`: settled rows are kept.
    var retention: Duration?
    /// `nil`: no HTTP listener.
    var httpListen: ListenAddress?
    var logs: LogConfiguration
    var warnings: [ConfigurationWarning]
}

extension Configuration {
    /// Reads and checks the whole configuration.
    ///
    /// - Parameters:
    ///   - environment: the process environment over the environment file.
    ///   - reader: for key files and `MARKET_CA_FILE`.
    ///   - seesCredentials: whether a credential of systemd's that may not be read is a mistake.
    /// - Throws: every mistake at once.
    static func read(
        environment: [String: String], reader: FileReader, seesCredentials: Bool = true
    ) throws(ConfigurationErrors) -> Configuration {
        var values = ConfigurationValues(environment: environment, seesCredentials: seesCredentials)
        let databaseURL = values.databaseURL()
        let businessIDs = values.businessIDs()
        let keySources = values.keySources(for: businessIDs, reader: reader)
        let loaded = keySources.load(reader: reader)
        values.mistakes += loaded.mistakes
        values.warnings += loaded.warnings
        values.requireKeys(of: keySources, for: businessIDs)
        let configuration = Configuration(
            databaseURL: databaseURL, businessIDs: businessIDs, keySources: keySources, keys: loaded.keys,
            apiURL: values.apiURL(), caFile: values.caFile(reader: reader),
            requestsPerHour: values.integer(.requestsPerHour, in: 1...1_000_000),
            quotaReserve: values.integer(.quotaReserve, in: 0...999_999),
            maxParallel: values.integer(.maxParallel, in: 1...4),
            requestTimeout: values.duration(.requestTimeout, in: .milliseconds(100)...(.seconds(300))),
            isKeepAlive: values.flag(.keepAlive),
            pollInterval: values.duration(.pollInterval, in: .milliseconds(100)...(.seconds(3600))),
            retryBase: values.duration(.retryBase, in: .milliseconds(10)...(.seconds(3600))),
            retryMax: values.duration(.retryMax, in: .milliseconds(10)...(.seconds(86_400))),
            notFoundPatience: values.duration(.notFoundPatience, in: .zero...(.seconds(30 * 86_400))),
            drainTimeout: values.duration(.drainTimeout, in: .zero...(.seconds(3600))),
            retention: values.retention(), httpListen: values.listenAddress(), logs: values.logs(), warnings: [])
        values.checkTogether(configuration)
        values.warnOfUnknownKeys()
        return try values.finish(configuration) { $0.warnings = $1 }
    }
}
