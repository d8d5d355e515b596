/// What `healthcheck` needs of the configuration.
struct ListenConfiguration: Sendable {
    /// `nil`: there is no listener.
    var address: ListenAddress?

    static func read(environment: [String: String]) throws(ConfigurationErrors) -> ListenConfiguration {
        var values = ConfigurationValues(environment: environment)
        return try values.finish(ListenConfiguration(address: values.listenAddress())) { _, _ in }
    }
}
