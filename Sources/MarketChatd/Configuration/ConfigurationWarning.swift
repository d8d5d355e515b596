/// Something in the configuration that works, though it is probably not what was meant.
struct ConfigurationWarning: Sendable, Equatable, CustomStringConvertible {
    var key: String
    var text: String

    var description: String { "\(key) \(text)" }
}
