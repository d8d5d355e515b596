import Glibc
import Logging

/// Where log records go, and in which form.
struct LogOutput: Sendable {
    let write: @Sendable (LogRecord) -> Void

    init(_ write: @escaping @Sendable (LogRecord) -> Void) {
        self.write = write
    }

    /// What the journal calls the daemon.
    static let identifier = "market-chatd"
    /// Where the journal listens.
    static let journalPath = "/run/systemd/journal/socket"

    static func text(to writer: LineWriter, isColoured: Bool) -> LogOutput {
        LogOutput { writer.write(TextFormat.line($0, at: .now, isColoured: isColoured)) }
    }

    static func json(to writer: LineWriter) -> LogOutput {
        LogOutput { writer.write(JSONFormat.line($0, at: .now)) }
    }

    /// Native messages, so that each value is a field of its own; where one cannot be sent, a line on `writer`.
    static func journal(path: String = Self.journalPath, fallback writer: LineWriter) -> LogOutput {
        let socket = DatagramSocket(path: path)
        return LogOutput { record in
            let datagram = JournalProtocol.datagram(for: record, identifier: identifier)
            guard let socket, socket.send(datagram) == 0 else { return writer.write(PrefixFormat.line(record)) }
            // While the journal was frozen, lines went to the other way, and some may have been too many for it.
            writer.tellOfDrops { count in
                let notice = LogRecord(
                    level: .warning, message: "(\(count) log lines were dropped, since nobody read them)")
                return socket.send(JournalProtocol.datagram(for: notice, identifier: identifier)) == 0
            }
        }
    }

    /// The output that the configuration asks for.
    static func standard(for format: LogFormatChoice, environment: [String: String]) -> LogOutput {
        switch format {
        case .text: text(to: .standardError, isColoured: isColourWanted(environment))
        case .json: json(to: .standardError)
        case .journal: journal(fallback: .standardError)
        case .auto: standard(for: isStandardErrorTheJournal(environment) ? .journal : .text, environment: environment)
        }
    }

    /// Whether standard error is a connection to the journal: `JOURNAL_STREAM` names its device and inode. A child of a
    /// service inherits the variable, so the comparison is needed.
    static func isStandardErrorTheJournal(_ environment: [String: String]) -> Bool {
        isJournalStream(environment["JOURNAL_STREAM"], descriptor: STDERR_FILENO)
    }

    static func isJournalStream(_ value: String?, descriptor: Int32) -> Bool {
        guard let parts = value?.split(separator: ":"), parts.count == 2, let device = UInt64(parts[0]),
            let inode = UInt64(parts[1])
        else { return false }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { return false }
        return UInt64(facts.st_dev) == device && UInt64(facts.st_ino) == inode
    }

    private static func isColourWanted(_ environment: [String: String]) -> Bool {
        isatty(STDERR_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }
}
