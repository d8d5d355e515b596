import MarketAPI

/// What `run --dry-run` needs of the configuration: no key, since nothing is sent.
struct DryRunConfiguration: Sendable {
    var databaseURL: SecretString
    var businessIDs: [Int64]
    var apiURL: String
    var warnings: [ConfigurationWarning]

    static func read(environment: [String: String]) throws(ConfigurationErrors) -> DryRunConfiguration {
        var values = ConfigurationValues(environment: environment)
        let configuration = DryRunConfiguration(
            databaseURL: values.databaseURL(), businessIDs: values.businessIDs(), apiURL: values.apiURL(), warnings: [])
        values.warnOfUnknownKeys()
        return try values.finish(configuration) { $0.warnings = $1 }
    }
}
