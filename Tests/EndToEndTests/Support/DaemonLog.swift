import FoundationEssentials
import Harness
import Synchronization

/// What a daemon wrote to its standard error, line by line.
final class DaemonLog: Sendable {
    private struct State {
        var offset = 0
        var rest: [UInt8] = []
        var lines: [LogLine] = []
    }

    private let file: ScratchFile
    private let state = Mutex(State())

    init(file: ScratchFile) {
        self.file = file
    }

    /// All of it.
    func text() throws -> String { try file.text() }

    /// The whole lines so far.
    func lines() throws -> [LogLine] {
        try state.withLock { state in
            let bytes = try file.bytes(from: state.offset)
            state.offset += bytes.count
            state.rest += bytes
            if let end = state.rest.lastIndex(of: UInt8(ascii: "\n")) {
                state.lines += state.rest[..<end].split(separator: UInt8(ascii: "\n")).map { LogLine(Array($0)) }
                state.rest.removeSubrange(...end)
            }
            return state.lines
        }
    }

    /// Waits for a line whose message begins with this.
    ///
    /// - Parameter count: for so many of them; the last one is returned.
    @discardableResult
    func line(_ message: String, count: Int = 1, atMost limit: Duration = patience) async throws -> LogLine {
        var found: LogLine?
        try await waitUntil("the log says \"\(message)\"", atMost: limit) {
            found = try lines().filter { $0.message.hasPrefix(message) }.dropFirst(count - 1).first
            return found != nil
        }
        guard let found else { throw WaitedInVain(description: message) }
        return found
    }

    /// Whether a line's message begins with this.
    func says(_ message: String) throws -> Bool {
        try lines().contains { $0.message.hasPrefix(message) }
    }
}

/// One line; where it is no JSON object of texts, all of it is the message.
struct LogLine: Sendable {
    var level = ""
    var message: String
    var fields: [String: String] = [:]

    init(_ bytes: [UInt8]) {
        if let fields = try? JSONDecoder().decode([String: String].self, from: Data(bytes)) {
            self.fields = fields
            level = fields["level"] ?? ""
            message = fields["message"] ?? ""
        } else {
            message = String(decoding: bytes, as: UTF8.self)
        }
    }
}
