/// Why the demonstration cannot go on: the cause, and the cure.
struct DemoFailure: Error, Sendable, CustomStringConvertible {
    let message: String

    init(_ message: String) {
        self.message = message
    }

    var description: String { message }
}
