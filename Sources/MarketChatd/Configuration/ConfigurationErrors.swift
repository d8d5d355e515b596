/// All mistakes of a configuration, found in one reading.
struct ConfigurationErrors: Error, Sendable, Equatable {
    /// At least one.
    var mistakes: [ConfigurationMistake]
    /// What a wrong configuration is warned about all the same.
    var warnings: [ConfigurationWarning] = []
}
