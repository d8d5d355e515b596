import ChatOutbox

/// Why a command ends other than well. Each message is a line for the operator: cause and cure.
struct CommandFailure: Error, Sendable, Equatable {
    var status: ExitStatus
    var messages: [String]

    init(_ status: ExitStatus, _ messages: [String]) {
        self.status = status
        self.messages = messages
    }
}

extension CommandFailure {
    /// What keeps an operator's command from its work. The database's words are made printable.
    init(_ error: OperatorError) {
        let text = printable(error.text, limit: 1500)
        switch error {
        case .unavailable: self.init(.failed, ["The database is not available: \(text)"])
        case .failed: self.init(.failed, [text])
        case .unusable: self.init(.configuration, [text])
        case .notPermitted: self.init(.noPermission, [text])
        }
    }
}
