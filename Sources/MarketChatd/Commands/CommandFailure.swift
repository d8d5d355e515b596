/// How a program ends. Source: sysexits.h for all but the first two.
enum ExitStatus: Int32, Sendable {
    /// Done or drained.
    case success = 0
    /// Failed; another try may succeed.
    case failed = 1
    case usage = 64
    case noPermission = 77
    /// The configuration, or what it points to, has to be mended first.
    case configuration = 78
}

/// Why a command ends other than well. Each message is a line for the operator: cause and cure.
struct CommandFailure: Error, Sendable, Equatable {
    var status: ExitStatus
    var messages: [String]

    init(_ status: ExitStatus, _ messages: [String]) {
        self.status = status
        self.messages = messages
    }
}
