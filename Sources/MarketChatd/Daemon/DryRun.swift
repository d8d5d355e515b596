import ChatOutbox

/// `run --dry-run`: shows what would be sent now, and sends and writes nothing.
struct DryRun {
    /// Rows of each business that are shown at most.
    private static let limit = 1000

    let configuration: Configuration

    func print(warnings: [String]) async throws(CommandFailure) {
        for warning in warnings + configuration.warnings.map(\.description) {
            LineWriter.standardError.write("market-chatd: warning: \(warning)\n")
        }
        let outbox = PostgresOutbox(configuration.outbox)
        do {
            let session = try await outbox.openSession()
            for businessID in configuration.businessIDs {
                let due = try await session.readDue(
                    of: businessID, DueRead(limit: Self.limit + 1, repeatLimit: Self.limit + 1))
                for line in Self.lines(businessID, due, apiURL: configuration.apiURL) { Swift.print(line) }
            }
            await session.close()
        } catch {
            throw CommandFailure(error)
        }
        await outbox.close()
    }

    static func lines(_ businessID: Int64, _ due: DueRows, apiURL: String) -> [String] {
        let rows = (due.fresh + due.repeats).sorted {
            (-Int($0.priority), $0.dueAtMicroseconds, $0.id) < (-Int($1.priority), $1.dueAtMicroseconds, $1.id)
        }
        let shown = rows.prefix(limit)
        var head = "business \(businessID): \(shown.count) due"
        if rows.count > limit { head = "business \(businessID): more than \(limit) due, the first \(limit) follow" }
        if due.isPaused { head += ", but paused: nothing is sent before it is resumed" }
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
