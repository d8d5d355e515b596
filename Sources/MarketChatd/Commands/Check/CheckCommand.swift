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
                {"ok":false,"checks":[{"name":"database","ok":true,"detail":"…","cure":null,"trace_id":null},…]}

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

/// What came of one check.
struct CheckLine: Sendable, Equatable {
    /// What was looked at, such as `database`.
    var name: String
    /// What was found.
    var detail: String
    /// Why it is not well, as an exit code; `nil`: it is.
    var problem: ExitStatus?
    /// What mends it.
    var cure: String?
    /// Of the exchange with the Market, for the vendor's support.
    var traceID: String?

    var isOK: Bool { problem == nil }

    static func ok(_ name: String, _ detail: String) -> CheckLine { CheckLine(name: name, detail: detail) }

    /// - Parameter text: cause and cure in one, where the two are not known apart.
    static func bad(
        _ name: String, _ status: ExitStatus, _ text: String, cure: String? = nil, traceID: String? = nil
    ) -> CheckLine {
        CheckLine(name: name, detail: text, problem: status, cure: cure, traceID: traceID)
    }

    func text(_ output: CommandOutput) -> String {
        let mark = isOK ? output.styled("ok  ", .good) : output.styled("FAIL", .bad)
        var text = "\(mark)  \(name): \(printable(detail, limit: 1000))"
        if let cure { text += "\n      cure: \(printable(cure, limit: 1000))" }
        if let traceID { text += "\n      trace id for the vendor's support: \(printable(traceID))" }
        return text
    }

    var document: JSONText {
        .object([
            ("name", .string(name)), ("ok", .bool(isOK)), ("detail", .string(detail)),
            ("cure", cure.map(JSONText.string) ?? .null), ("trace_id", traceID.map(JSONText.string) ?? .null),
        ])
    }
}
