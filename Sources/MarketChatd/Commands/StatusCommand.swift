import ArgumentParser
import ChatOutbox
import MarketAPI

/// `market-chatd status`: what goes on, as the database tells it.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show each cabinet: who serves it, what it does and why, what waits, and how the day went.",
        discussion: """
            It asks the database alone, so it works on any machine, whichever instance owns a cabinet, and also where \
            none runs. All cabinets with a record or with rows are shown. It needs SELECT on the tables of market_chat, \
            takes no locks, and counts only the rows of the last 24 hours.

            EXAMPLES
              sudo market-chatd status                   once
              sudo market-chatd status --watch           again and again, until Ctrl-C
              market-chatd status --json                 for scripts; as /status.json

            THE JSON OBJECT
            \(StatusDocument.form)

            EXIT CODES
              0 shown, whatever it is   1 the database is away   77 a privilege is missing   78 configuration
            """)

    @OptionGroup var environmentOptions: EnvironmentOptions
    @Flag(help: "Print one JSON object.")
    var json = false
    @Flag(help: "Show it again every two seconds.")
    var watch = false

    private static let period = Duration.seconds(2)

    func run() async throws {
        try await environmentOptions.load { loader throws(CommandFailure) in
            let configuration = try loader.configuration { environment throws(ConfigurationErrors) in
                try ListedConfiguration.read(environment: environment)
            }
            try loader.requireDatabase()
            let output = CommandOutput.standard(environment: loader.environment)
            repeat {
                let report: StatusReport
                do throws(CommandFailure) {
                    report = try await Self.report(configuration)
                } catch {
                    // Whoever watches does so above all while something is away.
                    guard watch, error.status == .failed else { throw error }
                    LineWriter.standardError.write(error.messages.joined(separator: "; ") + "\n")
                    try? await Task.sleep(for: Self.period)
                    continue
                }
                if watch, output.isTerminal { output.write("\u{1B}[H\u{1B}[2J") }
                if json {
                    output.json(StatusDocument.document(report))
                } else {
                    StatusText(output: output, isWatched: watch).show(report)
                }
                if watch { try? await Task.sleep(for: Self.period) }
            } while watch && !Task.isCancelled && !StandardOutput.shared.isOver
        }
    }

    private static func report(_ configuration: ListedConfiguration) async throws(CommandFailure) -> StatusReport {
        do throws(OperatorError) {
            let overview = try await OperatorSession.with(configuration.databaseURL.revealed(), isReadOnly: true) {
                session throws(OperatorError) in try await session.overview(of: configuration.businessIDs)
            }
            return StatusReport(
                engine: nil, databasePart: .init(overview: overview, age: .zero),
                listed: configuration.businessIDs, host: machineName, now: .now)
        } catch {
            throw CommandFailure(error)
        }
    }
}
