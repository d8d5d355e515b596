import ArgumentParser
import Logging

/// Runs a command's work, and turns what it throws into messages and an exit code.
enum CommandReport {
    /// - Parameters:
    ///   - environment: chooses the form of the messages: lines for a terminal, priorities for the journal, JSON where
    ///     that is configured.
    static func run(environment: [String: String], _ work: () async throws(CommandFailure) -> Void) async throws {
        do throws(CommandFailure) {
            try await work()
            if let problem = StandardOutput.shared.problem { throw CommandFailure(.failed, [problem]) }
        } catch {
            tell(error, environment: environment)
            throw ExitCode(error.status.rawValue)
        }
    }

    private static func tell(_ failure: CommandFailure, environment: [String: String]) {
        let format = LogConfiguration.best(of: environment).format
        let isJournal = LogOutput.isStandardErrorTheJournal(environment)
        let write: (String) -> Void
        switch format {
        case .auto where isJournal, .journal where isJournal:
            // Not as a native message: the journal asks the kernel whose it is when it reads it, and where that is after our
            // end, it belongs to no unit, and nobody who looks for the unit's finds it. Standard error is the unit's own.
            write = { LineWriter.standardError.write(PrefixFormat.line(LogRecord(level: .error, message: $0))) }
        case .auto, .text:
            write = { LineWriter.standardError.write("market-chatd: \($0)\n") }
        case .json, .journal:
            let output = LogOutput.standard(for: format, environment: environment)
            write = { output.write(LogRecord(level: .error, message: $0)) }
        }
        for message in failure.messages { write(message) }
    }
}

extension CommandFailure {
    /// All mistakes of a configuration, a line each.
    init(_ errors: ConfigurationErrors, hint: String?) {
        let count = errors.mistakes.count
        let head = count == 1 ? "The configuration has a mistake:" : "The configuration has \(count) mistakes:"
        var messages = [head]
        messages += errors.mistakes.map { "  \($0)" }
        messages += errors.warnings.map { "  (warning) \($0)" }
        if let hint { messages.append("  (\(hint))") }
        self.init(.configuration, messages)
    }
}
