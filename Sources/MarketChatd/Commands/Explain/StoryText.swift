import ChatOutbox

/// A row's story, for a terminal, a pipe or a program.
struct StoryText {
    private let story: RowStory
    private let advice: RowAdvice

    /// Of a text from the database, on one line.
    private static let textLimit = 600

    init(_ story: RowStory, _ advice: RowAdvice) {
        self.story = story
        self.advice = advice
    }

    func write(to output: CommandOutput) {
        let style: TextStyle = story.state == "created" ? .good : story.state == "rejected" ? .bad : .attention
        output.line(
            output.styled("Row \(story.id)", .heading)
                + ": \(printable(story.contextType)) \(story.contextID) of business \(story.businessID)")
        output.line(output.styled(advice.headline, style))
        output.line()
        for (name, value) in facts { paragraph(name, value, output) }
        writeExchanges(to: output)
        output.line()
        if let meaning = advice.meaning { paragraph("Meaning", meaning, output) }
        paragraph("Next", advice.next, output)
        for (index, cure) in advice.cures.enumerated() { paragraph(index == 0 ? "To mend it" : "", cure, output) }
    }

    private var facts: [(String, String)] {
        var facts: [(String, String)] = []
        if let chatID = story.chatID { facts.append(("Chat", String(chatID))) }
        facts.append(("Inserted", time(story.createdAt)))
        facts.append(("Due", time(story.dueAt) + (story.priority == 0 ? "" : ", priority \(story.priority)")))
        if let settledAt = story.settledAt { facts.append(("Settled", time(settledAt))) }
        facts.append(("Attempts", String(story.attempts)))
        if let error = story.lastError { facts.append(("Last error", printable(error, limit: Self.textLimit))) }
        return facts
    }

    private func time(_ text: String) -> String {
        let shown = StoryTime.shown(text)
        return StoryTime.distance(from: story.lookedAt, to: text).map { "\(shown), \($0)" } ?? shown
    }

    private static let labelWidth = 12

    /// A label, and a text beside it that is wrapped on a terminal.
    private func paragraph(_ label: String, _ text: String, _ output: CommandOutput) {
        let room = output.width.map { max($0 - Self.labelWidth, 20) }
        for (index, part) in Self.wrapped(text, to: room).enumerated() {
            let head = index == 0 ? label : ""
            let padding = String(repeating: " ", count: Self.labelWidth - head.count)
            output.line((head.isEmpty ? "" : output.styled(head, .heading)) + padding + part)
        }
    }

    /// - Parameter width: `nil`: not at all.
    static func wrapped(_ text: String, to width: Int?) -> [String] {
        guard let width, text.count > width else { return [text] }
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " " + word
            while line.count > width {
                lines.append(String(line.prefix(width)))
                line = String(line.dropFirst(width))
            }
        }
        return line.isEmpty ? lines : lines + [line]
    }

    private func writeExchanges(to output: CommandOutput) {
        guard !story.exchanges.isEmpty else { return }
        output.line()
        output.line(
            output.styled("Exchanges that gave no chat", .heading) + " (the last 50 are kept), the oldest first:")
        var table = TextTable([
            .init(title: "TIME"), .init(title: "HTTP", isNumber: true), .init(title: "CODE", mayBeCut: true),
            .init(title: "THEN"), .init(title: "MESSAGE", mayBeCut: true),
        ])
        for (index, exchange) in story.exchanges.enumerated() {
            table.notes[index] = exchange.traceID.map { "trace id \($0)" }
            table.rows.append([
                .init(StoryTime.shown(exchange.at)), .init(exchange.httpStatus.map(String.init) ?? "-"),
                .init(exchange.code ?? "-"), Self.verdict(exchange.verdict), .init(exchange.message ?? "-"),
            ])
        }
        output.table(table)
    }

    private static func verdict(_ verdict: String) -> TextTable.Cell {
        switch verdict {
        case "rejected": .init("rejected", .bad)
        case "backoff": .init("put off", .attention)
        case "deferred": .init("stays due", .attention)
        case "refused": .init("not written", .bad)
        default: .init(verdict)
        }
    }

    // MARK: For programs

    var json: JSONText {
        let waiting: JSONText? = story.waiting.map { waiting in
            .object([
                ("reason", .string(waiting.reason)),
                ("next_try_in_seconds", waiting.nextTryIn.map { .number($0.inSeconds) } ?? .null),
                ("rows_before", .integer(Int64(waiting.rowsBefore))),
                ("rows_before_is_capped", .bool(waiting.rowsBefore >= RowStory.countLimit)),
            ])
        }
        return .object([
            ("id", .integer(story.id)), ("business_id", .integer(story.businessID)),
            ("context_type", .string(story.contextType)), ("context_id", .integer(story.contextID)),
            ("priority", .integer(Int64(story.priority))), ("state", .string(story.state)),
            ("chat_id", story.chatID.map { .integer($0) } ?? .null), ("attempts", .integer(Int64(story.attempts))),
            ("last_error", Self.text(story.lastError)), ("created_at", .string(story.createdAt)),
            ("due_at", .string(story.dueAt)), ("settled_at", Self.text(story.settledAt)),
            ("looked_at", .string(story.lookedAt)),
            ("not_found_for_seconds", story.notFoundFor.map { .number($0.inSeconds) } ?? .null),
            ("waiting", waiting ?? .null), ("exchanges", .array(story.exchanges.map(Self.json))),
            ("headline", .string(advice.headline)), ("meaning", Self.text(advice.meaning)),
            ("next", .string(advice.next)), ("cures", .array(advice.cures.map { .string($0) })),
        ])
    }

    private static func json(_ exchange: RowStory.Exchange) -> JSONText {
        .object([
            ("at", .string(exchange.at)), ("http_status", exchange.httpStatus.map { .integer(Int64($0)) } ?? .null),
            ("code", text(exchange.code)), ("message", text(exchange.message)), ("trace_id", text(exchange.traceID)),
            ("verdict", .string(exchange.verdict)),
        ])
    }

    private static func text(_ text: String?) -> JSONText { text.map { .string($0) } ?? .null }
}
