import ArgumentParser
import ChatOutbox

/// `market-chatd check`: whether all that the daemon needs is there.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the configuration, the database, the API key and the cabinets; change nothing.",
        discussion: """
            One line for each thing that the daemon needs: ok, or what is wrong and what mends it. It is safe beside a \
            running daemon, costs none of the quota for chats, and creates nothing.

            EXAMPLES
              sudo market-chatd check             everything, as the service will find it
              market-chatd check --offline        the configuration and the key files alone, in a moment
              market-chatd check --json           for scripts:
                {"ok":false,"checks":[{"name":"database","ok":true,"skipped":false,"detail":"…","cure":null,
                "trace_id":null},…]}

            EXIT CODES
              0 all is well   77 a privilege is missing   78 the configuration, or what it points to, has to be mended
              1 anything else, such as a database or a Market that is away
            """)

    @OptionGroup var environmentOptions: EnvironmentOptions
    @Flag(help: "Only what needs neither the database nor the Market.")
    var offline = false
    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        try await environmentOptions.load { loader throws(CommandFailure) in
            let output = CommandOutput.standard(environment: loader.environment)
            var checkup = Checkup(loader: loader) { line in
                if !json { output.line(line.text(output)) }
            }
            await checkup.run(isOffline: offline)
            if json { output.json(Self.document(checkup.lines)) }
            if let status = checkup.failure { throw CommandFailure(status, []) }
        }
    }

    static func document(_ lines: [CheckLine]) -> JSONText {
        .object([
            ("ok", .bool(lines.allSatisfy(\.isOK))),
            ("checks", .array(lines.map(\.document))),
        ])
    }
}
