import ArgumentParser
import ChatOutbox

/// `market-chatd enqueue`: rows by hand, or from a file.
struct EnqueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enqueue",
        abstract: "Put orders or returns into the outbox: some by their numbers, or many from a CSV file.",
        discussion: """
            What is in the outbox already stays as it is, so the same command may be run again at any time: after a \
            mistake, or where it was interrupted. (To have a rejected row tried again: market-chatd retry.)

            EXAMPLES
              market-chatd enqueue --business 12345 --order 987654321 987654322
              market-chatd enqueue --business 12345 --return 555 --priority 10
              market-chatd enqueue --business 12345 --order 1 --due-at 2026-11-27T12:00:00+03:00
              market-chatd enqueue --business 12345 --csv orders.csv
              psql shop -c "COPY (SELECT …) TO STDOUT CSV HEADER" | market-chatd enqueue --csv -

            THE FILE
              context_type,context_id,due_at          a header is needed; columns in any order
              ORDER,987654321,2026-11-27T12:00:00Z
              RETURN,555,                             an empty field: what the option says
              Columns: context_type, context_id; if wanted priority, due_at, business_id. UTF-8, separated by
              commas, semicolons or tabs. Good lines go in; bad ones are named on standard error, and then the
              exit code is 1.

            --json prints {"lines", "new", "existing", "bad", "mistakes": [{"line", "reason"}]}; for numbers on the \
            command line there are "rows" too: [{"id", "business_id", "context_type", "context_id", "state", "chat_id", \
            "is_new"}].

            It needs DATABASE_URL alone, and the privileges of a producer: the role market_chat_producer, or what \
            roles.sql among the examples grants it.
            """)

    @OptionGroup var environmentOptions: EnvironmentOptions
    @Option(
        name: .customLong("business"), help: "The cabinet's id, for rows that have none of their own.",
        transform: identifier)
    var businessID: Int64?
    @Option(
        name: .customLong("order"), parsing: .upToNextOption, help: "The Market's numbers of orders.",
        transform: IdentifierList.init)
    var orders: [IdentifierList] = []
    @Option(
        name: .customLong("return"), parsing: .upToNextOption, help: "The Market's numbers of returns.",
        transform: IdentifierList.init)
    var returns: [IdentifierList] = []
    @Option(help: ArgumentHelp("A file with a header; - reads standard input.", valueName: "file"))
    var csv: String?
    @Option(help: "Higher goes first. [0]")
    var priority: Int16?
    @Option(
        help: ArgumentHelp("Not sent before, such as 2026-11-27T12:00:00+03:00. [now]", valueName: "time"),
        transform: moment)
    var dueAt: MomentText?
    @Flag(help: "Print the answer as one JSON object.")
    var json = false

    func validate() throws {
        if csv != nil {
            if !orders.isEmpty || !returns.isEmpty { throw ValidationError("--csv goes without --order and --return") }
        } else if orders.isEmpty && returns.isEmpty {
            throw ValidationError("name orders with --order, returns with --return, or a file with --csv")
        } else if businessID == nil {
            throw ValidationError("name the cabinet with --business")
        }
    }

    func run() async throws {
        try await environmentOptions.withDesk { desk throws(CommandFailure) in
            if let csv {
                try await enqueue(file: csv, desk)
            } else {
                try await enqueueNumbers(desk)
            }
        }
    }

    private func enqueue(file path: String, _ desk: OperatorDesk) async throws(CommandFailure) {
        let file: InputFile
        do {
            file = try InputFile(path)
        } catch {
            if case .notPermitted = error { throw CommandFailure(.noPermission, ["--csv \(printable(path)) \(error)"]) }
            throw CommandFailure(.usage, ["--csv \(printable(path)) \(error)"])
        }
        var work = FileEnqueuing(
            desk: desk, file: file,
            defaults: .init(businessID: businessID, priority: priority, dueAt: dueAt?.sql))
        try await work.run()
        let report = work.report
        if json { desk.output.json(report.json) } else { desk.output.line(report.text) }
        await warnOfIdle(work.businesses.sorted(), desk)
        let untold = report.bad - EnqueueReport.toldMistakes
        if untold > 0 { desk.warn("and \(counted(untold, "bad line")) more") }
        if report.bad > 0 {
            throw CommandFailure(
                .failed, ["mend the \(counted(report.bad, "bad line")), and run the same command again"])
        }
    }

    /// Rows of a business that no daemon serves wait in silence: say so at once.
    private func warnOfIdle(_ businessIDs: [Int64], _ desk: OperatorDesk) async {
        for id in businessIDs {
            // A producer may not be allowed to look.
            guard let known = try? await desk.session.known(id) else { return }
            switch known.isPaused {
            case nil:
                desk.warn("warning: no daemon has served business \(id) yet: is it in MARKET_BUSINESS_IDS?")
            case true?:
                desk.warn("warning: business \(id) is paused: 'market-chatd resume --business \(id)' sends its rows")
            case false?: break
            }
        }
    }

}

/// For `transform:`.
///
/// - Throws: `ValidationError`.
private func moment(_ text: String) throws -> MomentText {
    do {
        return try MomentText(parsing: text)
    } catch {
        throw ValidationError("it \(error.text)")
    }
}

// Numbers from the command line: few, so each is told of.
extension EnqueueCommand {
    /// Rows of a transaction.
    private static let batch = 1000
    /// More are counted.
    private static let shownRows = 20

    private struct Outcome {
        var rows: [(type: String, row: OperatorSession.ContextRow, isNew: Bool)] = []
        var refused: [(name: String, reason: String)] = []
    }

    private func enqueueNumbers(_ desk: OperatorDesk) async throws(CommandFailure) {
        // validate() saw to it.
        guard let businessID else { return }
        var outcome = Outcome()
        for (type, all) in [("ORDER", orders), ("RETURN", returns)] {
            let ids = IdentifierList.distinct(all)
            for start in stride(from: 0, to: ids.count, by: Self.batch) {
                let part = Array(ids[start..<min(start + Self.batch, ids.count)])
                try await enqueue(part, type, of: businessID, desk, &outcome)
            }
        }
        if json { desk.output.json(document(outcome, businessID)) } else { show(outcome, desk) }
        await warnOfIdle([businessID], desk)
        for (name, reason) in outcome.refused.prefix(EnqueueReport.toldMistakes) {
            desk.warn("\(name) was refused: \(printable(reason, limit: 400))")
        }
        if !outcome.refused.isEmpty {
            throw CommandFailure(.failed, ["the database refused \(counted(outcome.refused.count, "row"))"])
        }
    }

    private func enqueue(
        _ ids: [Int64], _ type: String, of businessID: Int64, _ desk: OperatorDesk, _ outcome: inout Outcome
    ) async throws(CommandFailure) {
        let session = desk.session
        let rows = ids.map {
            OperatorSession.NewRow(
                businessID: businessID, contextType: type, contextID: $0, priority: priority, dueAt: dueAt?.sql)
        }
        let (before, done, after) = try await desk.asking { () async throws(OperatorError) in
            let before = try await session.rows(of: businessID, contextType: type, contextIDs: ids)
            let done = try await session.enqueue(rows)
            return (before, done, try await session.rows(of: businessID, contextType: type, contextIDs: ids))
        }
        outcome.refused += done.refused.map { ("\(type) \(ids[$0.position])", $0.reason) }
        for id in ids {
            if let row = after[id] { outcome.rows.append((type, row, before[id] == nil)) }
        }
    }

    private func show(_ outcome: Outcome, _ desk: OperatorDesk) {
        if outcome.rows.count <= Self.shownRows {
            for (type, row, isNew) in outcome.rows {
                let chat = row.chatID.map { ", chat \($0)" } ?? ""
                let what = isNew ? "new" : "there already, \(printable(row.state))\(chat)"
                desk.output.line("\(type) \(row.contextID): row \(row.rowID), \(what)")
            }
        }
        let count = outcome.rows.count { $0.isNew }
        desk.output.line("\(count) new, \(outcome.rows.count - count) there already")
    }

    private func document(_ outcome: Outcome, _ businessID: Int64) -> JSONText {
        let count = outcome.rows.count { $0.isNew }
        let rows: [JSONText] = outcome.rows.map { type, row, isNew in
            .object([
                ("id", .integer(row.rowID)), ("business_id", .integer(businessID)), ("context_type", .string(type)),
                ("context_id", .integer(row.contextID)), ("state", .string(row.state)),
                ("chat_id", row.chatID.map { .integer($0) } ?? .null), ("is_new", .bool(isNew)),
            ])
        }
        let mistakes: [JSONText] = outcome.refused.map { name, reason in
            .object([("line", .null), ("row", .string(name)), ("reason", .string(reason))])
        }
        return .object([
            ("lines", .null), ("new", .integer(Int64(count))),
            ("existing", .integer(Int64(outcome.rows.count - count))),
            ("bad", .integer(Int64(outcome.refused.count))), ("mistakes", .array(mistakes)), ("rows", .array(rows)),
        ])
    }
}
