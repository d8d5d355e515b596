import ArgumentParser
import ChatOutbox
import Glibc

/// `market-chatd retry`: rejected rows are asked for again.
struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Have rows tried again: attempts and patience start anew.",
        discussion: """
            A rejected row becomes pending and due now, as if it were new; a pending one that was put off becomes due now. \
            Its daemon hears of it at once. A row that has its chat is left as it is. The exchanges of before are kept: \
            see 'market-chatd explain'.

            EXAMPLES
              market-chatd retry --id 4711 4712
              market-chatd retry --business 12345 --all-rejected
              market-chatd retry --business 12345 --all-rejected --code 404 --yes

            --code takes the last answer's error code (NOT_FOUND) or its HTTP status (404). --all-rejected counts first, \
            and asks; where nobody can be asked, it needs --yes.

            --json prints {"retried", "created", "missing", "refused": [{"id", "reason"}]}, lists of row ids; with \
            --all-rejected "retried" is a number.

            EXIT CODES
              0 done   1 a row is missing, or the database refused it   64 usage   77 no permission   78 configuration
            """)

    @OptionGroup var environmentOptions: EnvironmentOptions
    @Option(
        name: .customLong("id"), parsing: .upToNextOption, help: "Rows, by outbox.id.", transform: IdentifierList.init)
    var ids: [IdentifierList] = []
    @Option(name: .customLong("business"), help: "The cabinet whose rejected rows are meant.", transform: identifier)
    var businessID: Int64?
    @Flag(help: "All rejected rows of the business.")
    var allRejected = false
    @Option(help: "Only those whose last answer had this error code, or this HTTP status.")
    var code: String?
    @Flag(help: "Do not ask.")
    var yes = false
    @Flag(help: "Print the answer as one JSON object.")
    var json = false

    /// Rows of a transaction.
    private static let batch = 1000
    /// Named on the terminal; the rest is counted.
    private static let shownRows = 20

    func validate() throws {
        if ids.isEmpty {
            guard allRejected else {
                throw ValidationError("name rows with --id, or say --business and --all-rejected")
            }
            guard businessID != nil else { throw ValidationError("--all-rejected needs --business") }
            guard yes || Self.canAsk else {
                throw ValidationError(
                    "--all-rejected asks before it changes anything, and there is no terminal to ask on: say --yes")
            }
        } else if allRejected || businessID != nil || code != nil {
            throw ValidationError("--id goes without --business, --all-rejected and --code")
        }
    }

    private static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    func run() async throws {
        try await environmentOptions.withDesk { desk throws(CommandFailure) in
            if let businessID {
                try await retryAll(of: businessID, desk)
            } else {
                try await retryNamed(desk)
            }
        }
    }

    private func retryNamed(_ desk: OperatorDesk) async throws(CommandFailure) {
        let done = try await retry(IdentifierList.distinct(ids), desk, progress: nil)
        if json {
            desk.output.json(Self.document(done, retried: .array(done.retried.map { .integer($0) })))
        } else {
            for id in done.retried.prefix(Self.shownRows) { desk.output.line("row \(id): pending again, and due now") }
            let untold = done.retried.count - Self.shownRows
            if untold > 0 { desk.output.line("and \(counted(untold, "row")) more") }
        }
        try finish(done, desk)
    }

    private func retryAll(of businessID: Int64, _ desk: OperatorDesk) async throws(CommandFailure) {
        let progress = ProgressLine("rejected rows", environment: desk.environment)
        var found: [Int64] = []
        let (session, code) = (desk.session, code)
        try await desk.asking { () async throws(OperatorError) in
            try await session.rejected(of: businessID, code: code) { ids in
                found += ids
                progress.show(part: nil, count: found.count)
            }
        }
        progress.end()
        let with = code.map { " with \(printable($0, limit: 60))" } ?? ""
        if !found.isEmpty, !yes,
            !Self.ask("Try \(counted(found.count, "rejected row")) of business \(businessID)\(with) again?")
        {
            throw CommandFailure(.failed, ["nothing was changed"])
        }
        let done = try await retry(found, desk, progress: progress)
        progress.end()
        if json {
            desk.output.json(Self.document(done, retried: .integer(Int64(done.retried.count))))
        } else if found.isEmpty {
            desk.output.line("business \(businessID) has no rejected rows\(with)")
        } else {
            desk.output.line(
                "\(counted(done.retried.count, "row")) of business \(businessID) pending again, and due now")
        }
        try finish(done, desk)
    }

    private static func ask(_ question: String) -> Bool {
        LineWriter.standardError.write("\(question) [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }

    private func retry(
        _ ids: [Int64], _ desk: OperatorDesk, progress: ProgressLine?
    ) async throws(CommandFailure) -> OperatorSession.Retried {
        var done = OperatorSession.Retried()
        let session = desk.session
        for start in stride(from: 0, to: ids.count, by: Self.batch) {
            let end = min(start + Self.batch, ids.count)
            let part = Array(ids[start..<end])
            do {
                let next = try await session.retry(part)
                done.retried += next.retried
                done.created += next.created
                done.missing += next.missing
                done.refused += next.refused
            } catch {
                let failure = CommandFailure(error)
                guard start > 0 else { throw failure }
                let so = "\(start) of \(counted(ids.count, "row")) had been done: the same command again does the rest"
                throw CommandFailure(failure.status, failure.messages + [so])
            }
            progress?.show(part: Double(end) / Double(ids.count), count: end)
        }
        return done
    }

    /// Names what was left, and fails where that was not as it should be.
    private func finish(_ done: OperatorSession.Retried, _ desk: OperatorDesk) throws(CommandFailure) {
        Self.name(done.created, "has its chat already, and was left as it is", "have their chats already", desk)
        Self.name(done.missing, "does not exist: is the number outbox.id?", "do not exist", desk)
        for row in done.refused.prefix(Self.shownRows) {
            desk.warn("row \(row.id) was refused: \(printable(row.reason, limit: 400))")
        }
        var wrong: [String] = []
        if !done.missing.isEmpty { wrong.append("\(counted(done.missing.count, "row")) missing") }
        if !done.refused.isEmpty { wrong.append("\(counted(done.refused.count, "row")) refused by the database") }
        if !wrong.isEmpty { throw CommandFailure(.failed, [wrong.joined(separator: ", ")]) }
    }

    private static func name(_ ids: [Int64], _ one: String, _ many: String, _ desk: OperatorDesk) {
        for id in ids.prefix(shownRows) { desk.warn("row \(id) \(one)") }
        let untold = ids.count - shownRows
        if untold > 0 { desk.warn("\(counted(untold, "row")) more \(many)") }
    }

    private static func document(_ done: OperatorSession.Retried, retried: JSONText) -> JSONText {
        .object([
            ("retried", retried), ("created", .array(done.created.map { .integer($0) })),
            ("missing", .array(done.missing.map { .integer($0) })),
            (
                "refused",
                .array(done.refused.map { .object([("id", .integer($0.id)), ("reason", .string($0.reason))]) })
            ),
        ])
    }
}
