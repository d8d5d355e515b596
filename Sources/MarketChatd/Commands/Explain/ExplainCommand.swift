import ArgumentParser
import ChatOutbox
import ChatSync

/// `market-chatd explain`: one row's whole story.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tell one row's whole story: its state, every failed exchange, and what happens next.",
        discussion: """
            EXAMPLES
              market-chatd explain --id 4711
              market-chatd explain --business 12345 --order 987654321
              market-chatd explain --business 12345 --return 555 --json

            The trace id of an exchange is what the vendor's support asks for. Times are UTC, by the database's clock. \
            CHATD_RETRY_BASE, CHATD_RETRY_MAX and CHATD_NOT_FOUND_PATIENCE are read as the daemon reads them.

            --json prints {"id", "business_id", "context_type", "context_id", "priority", "state", "chat_id", "attempts", \
            "last_error", "created_at", "due_at", "settled_at", "looked_at", "not_found_for_seconds", "waiting": {"reason", \
            "next_try_in_seconds", "rows_before", "rows_before_is_capped"} or null, "exchanges": [{"at", "http_status", \
            "code", "message", "trace_id", "verdict"}], "headline", "meaning", "next", "cures": [text]}. A verdict is \
            rejected, backoff (put off), deferred (stays due) or refused (this database did not take the result).

            EXIT CODES
              0 told   1 there is no such row   64 usage   77 no permission   78 configuration
            """)

    @OptionGroup var environmentOptions: EnvironmentOptions
    @Option(help: "The row, by outbox.id.", transform: identifier)
    var id: Int64?
    @Option(name: .customLong("business"), help: "The cabinet's id.", transform: identifier)
    var businessID: Int64?
    @Option(help: "The Market's number of the order.", transform: identifier)
    var order: Int64?
    @Option(name: .customLong("return"), help: "The Market's number of the return.", transform: identifier)
    var returnID: Int64?
    @Flag(help: "Print the answer as one JSON object.")
    var json = false

    func validate() throws { _ = try name() }

    private func name() throws -> OperatorSession.RowName {
        switch (id, businessID, order, returnID) {
        case (let id?, nil, nil, nil): return .id(id)
        case (nil, let business?, let order?, nil): return .context(businessID: business, type: "ORDER", id: order)
        case (nil, let business?, nil, let number?): return .context(businessID: business, type: "RETURN", id: number)
        default: throw ValidationError("name one row: --id, or --business and --order, or --business and --return")
        }
    }

    func run() async throws {
        let name = try name()
        try await environmentOptions.withDesk(isReadOnly: true) { desk throws(CommandFailure) in
            let session = desk.session
            let story = try await desk.asking { () async throws(OperatorError) in try await session.story(of: name) }
            guard let story else { throw await Self.missing(name, session) }
            let advice = RowAdvice(story, patience: Verdict.Patience(environment: desk.environment))
            if json { return desk.output.json(StoryText(story, advice).json) }
            StoryText(story, advice).write(to: desk.output)
            if session.place.isStandby, story.waiting != nil {
                desk.warn("this is a standby: who serves a business is not seen here; ask the primary")
            }
        }
    }

    /// Where a row is not, it may be nearby.
    private static func missing(_ name: OperatorSession.RowName, _ session: OperatorSession) async -> CommandFailure {
        var messages = ["there is no \(name) in \(session.place)"]
        guard case .context(let businessID, let type, let contextID) = name else {
            return CommandFailure(
                .failed, messages + ["is it the Market's number? Then: market-chatd explain --business … --order …"])
        }
        // Who may not look there is told of no neighbours.
        for (id, found) in (try? await session.neighbours(of: businessID, contextID: contextID)) ?? [] {
            messages.append("there is \(found): market-chatd explain --id \(id)")
        }
        let option = type == "ORDER" ? "order" : "return"
        messages.append(
            "to have its chat created: market-chatd enqueue --business \(businessID) --\(option) \(contextID)")
        return CommandFailure(.failed, messages)
    }
}
