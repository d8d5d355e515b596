/// Why a private cluster could not be had. The text names the cause and, where there is one, the cure.
public struct PrivatePostgresError: Error, Sendable, CustomStringConvertible {
    /// For whoever started the tests or the demo.
    public let message: String

    init(_ message: String) {
        self.message = message
    }

    public var description: String { message }
}
