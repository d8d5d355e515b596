import ChatOutbox
import Logging
import MarketAPI

/// What a command that only works on the database was told.
struct DatabaseConfiguration: Sendable {
    /// A libpq connection string; empty for libpq's own `PG*` variables.
    var databaseURL: SecretString
    var logs: LogConfiguration
    var warnings: [ConfigurationWarning]
}

extension DatabaseConfiguration {
    /// Reads and checks what `market-chatd migrate` needs, and nothing else: whoever owns the schema need not have an
    /// API key.
    static func read(environment: [String: String]) throws(ConfigurationErrors) -> DatabaseConfiguration {
        var values = ConfigurationValues(environment: environment)
        let configuration = DatabaseConfiguration(databaseURL: values.databaseURL(), logs: values.logs(), warnings: [])
        values.warnOfUnknownKeys()
        return try values.finish(configuration) { $0.warnings = $1 }
    }
}
