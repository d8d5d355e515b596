/// A mistake in the configuration, which keeps the daemon from starting.
struct ConfigurationMistake: Error, Sendable, Equatable, CustomStringConvertible {
    /// The key, or the keys, at fault.
    var key: String
    /// What is wrong. It never repeats a value that may be secret.
    var cause: String
    /// What mends it.
    var cure: String

    init(_ key: String, _ cause: String, cure: String) {
        self.key = key
        self.cause = cause
        self.cure = cure
    }

    init(_ key: ConfigurationKey, _ cause: String, cure: String) {
        self.init(key.rawValue, cause, cure: cure)
    }

    var description: String { "\(key) \(cause): \(cure)" }
}

/// All mistakes of a configuration, found in one reading.
struct ConfigurationErrors: Error, Sendable, Equatable {
    /// At least one.
    var mistakes: [ConfigurationMistake]
    /// What a wrong configuration is warned about all the same.
    var warnings: [ConfigurationWarning] = []
}

/// Something in the configuration that works, though it is probably not what was meant.
struct ConfigurationWarning: Sendable, Equatable, CustomStringConvertible {
    var key: String
    var text: String

    var description: String { "\(key) \(text)" }
}
