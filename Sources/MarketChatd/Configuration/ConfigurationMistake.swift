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
