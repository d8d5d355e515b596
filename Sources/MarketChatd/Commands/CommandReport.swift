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
        } catch {
            tell(error, environment: environment)
            throw ExitCode(error.status.rawValue)
        }
    }

    private static func tell(_ failure: CommandFailure, environment: [String: String]) {
        let configuration = LogConfiguration.best(of: environment)
        let isForPeople =
            configuration.format == .text
            || configuration.format == .auto && !LogOutput.isStandardErrorTheJournal(environment)
        if isForPeople {
            for message in failure.messages { LineWriter.standardError.write("market-chatd: \(message)\n") }
        } else {
            let output = LogOutput.standard(for: configuration.format, environment: environment)
            for message in failure.messages { output.write(LogRecord(level: .error, message: message)) }
        }
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
