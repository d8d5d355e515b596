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
