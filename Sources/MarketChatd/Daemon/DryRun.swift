import ChatOutbox
import ChatSync
import MarketAPI

/// `run --dry-run`: shows what would be sent now, and sends and writes nothing.
struct DryRun {
    /// Rows of each business that are shown at most.
    private static let limit = 1000

    let configuration: DryRunConfiguration

    func print(warnings: [String]) async throws(CommandFailure) {
        for warning in warnings + configuration.warnings.map(\.description) {
            LineWriter.standardError.write("market-chatd: warning: \(warning)\n")
        }
        do throws(OperatorError) {
            try await OperatorSession.with(configuration.databaseURL.revealed(), isReadOnly: true) {
                session throws(OperatorError) in
                for businessID in configuration.businessIDs {
                    let (due, hold) = try await session.due(of: businessID, limit: Self.limit + 1)
                    for line in Self.lines(businessID, due, hold: hold, apiURL: configuration.apiURL) {
                        StandardOutput.shared.write(line + "\n")
                    }
                }
            }
        } catch {
            throw CommandFailure(error)
        }
    }

    /// - Parameter hold: why nothing of it would go now: then the rows are counted, and no request is shown.
    static func lines(
        _ businessID: Int64, _ due: DueRows, hold: BusinessRecord.Hold? = nil, apiURL: String
    ) -> [String] {
        let rows = (due.fresh + due.repeats).sorted {
            (-Int($0.priority), $0.dueAtMicroseconds, $0.id) < (-Int($1.priority), $1.dueAtMicroseconds, $1.id)
        }
        let shown = rows.prefix(limit)
        var head = "business \(businessID): \(rows.count > limit ? "more than \(limit)" : "\(rows.count)") due"
        if due.isPaused { return [head + ", but paused: nothing is sent before it is resumed"] }
        if let hold, hold.endsIn > .zero, let kind = Hold.Kind(ofReason: hold.reason), kind.outlivesOwner {
            return [
                head + ", but held for \(DurationText.rough(hold.endsIn)) (\(printable(hold.reason))): nothing is sent"
                    + " before"
            ]
        }
        if rows.count > limit { head += ", the first \(limit) follow" }
        if shown.isEmpty, let next = due.nextDueIn { head += ", the next one in \(DurationText.rough(next))" }
        return [head]
            + shown.map { row in
                let again = row.attempts == 0 ? "" : ", \(row.attempts) failed before"
                return "  row \(row.id), priority \(row.priority)\(again): POST"
                    + " \(apiURL)/v2/businesses/\(businessID)/chats/new"
                    + " {\"context\":{\"type\":\"\(row.contextType)\",\"id\":\(row.contextID)}}"
            }
    }
}
