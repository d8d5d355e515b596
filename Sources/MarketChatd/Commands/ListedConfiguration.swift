import MarketAPI

/// What a command that shows cabinets needs of the configuration.
struct ListedConfiguration: Sendable {
    /// A libpq connection string; empty for libpq's own `PG*` variables.
    var databaseURL: SecretString
    /// `MARKET_BUSINESS_IDS`; empty where it is not set.
    var businessIDs: [Int64]

    static func read(environment: [String: String]) throws(ConfigurationErrors) -> ListedConfiguration {
        var values = ConfigurationValues(environment: environment)
        let isListed = values.text(.businessIDs) != nil
        let configuration = ListedConfiguration(
            databaseURL: values.databaseURL(), businessIDs: isListed ? values.businessIDs() : [])
        return try values.finish(configuration) { _, _ in }
    }
}
