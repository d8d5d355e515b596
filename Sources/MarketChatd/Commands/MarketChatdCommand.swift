import ArgumentParser
import Glibc

/// The program `market-chatd`.
@main
struct MarketChatdCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "market-chatd",
        abstract: "Creates Yandex Market chats for the orders and returns in a PostgreSQL outbox.",
        discussion: """
            Your order system inserts a row into market_chat.outbox. market-chatd calls the Market, \
            and writes the chat ID back into the row, in the same database.

            EXAMPLES
              market-chatd migrate            create the schema, or upgrade it
              market-chatd check              is all there that the daemon needs?
              market-chatd status             what it does, and why
              market-chatd run --dry-run      see what would be sent, and send nothing
              market-chatd run                work until SIGTERM or Ctrl-C
              market-chatd run --once         settle what is due now, then end

            FILES
              /etc/market-chatd/market-chatd.env
                The configuration, read where it exists and is readable. The process
                environment wins over it. 'market-chatd run --help' lists the keys.

            EXIT CODES
              0   done or drained
              1   failed, another try may succeed
              64  usage
              77  no permission
              78  configuration: mend it first; the message says what and how
            """,
        version: "market-chatd \(Version.current)",
        subcommands: [
            RunCommand.self, MigrateCommand.self, CheckCommand.self, StatusCommand.self, ExplainCommand.self,
            EnqueueCommand.self, RetryCommand.self, PauseCommand.self, ResumeCommand.self, HealthcheckCommand.self,
        ])

    static func main() async {
        await main(IdentifierList.joined(Array(CommandLine.arguments.dropFirst())))
    }
}

/// `--env-file`, which every command has.
struct EnvironmentOptions: ParsableArguments {
    @Option(
        name: .customLong("env-file"),
        help: ArgumentHelp(
            "Read the configuration from this file, as systemd would. The process environment wins over it.",
            discussion: "Default: \(EnvironmentLoader.standardPath), where it exists and is readable.",
            valueName: "path"))
    var environmentFile: String?

    /// Reads the environment and the file, and does `work` with them. What fails is told, and becomes the exit code.
    func load(_ work: (EnvironmentLoader) async throws(CommandFailure) -> Void) async throws {
        // A reader of our output that goes away is an error of the write, not a death.
        signal(SIGPIPE, SIG_IGN)
        let process = EnvironmentLoader.ofProcess
        var loaded: EnvironmentLoader?
        try await CommandReport.run(environment: process) { () async throws(CommandFailure) in
            loaded = try EnvironmentLoader(path: environmentFile, processEnvironment: process)
        }
        guard let loader = loaded else { return }
        loader.apply()
        try await CommandReport.run(environment: loader.environment) { () async throws(CommandFailure) in
            try await work(loader)
        }
    }
}
