import LibPQ
import MarketSandbox

/// A row of the outbox, as it ended.
struct SettledRow: Sendable {
    var id: Int64
    var context: SandboxContext
    var state: String
    var chatID: Int64?
    var attempts: Int
    var lastError: String?
}

extension TestDatabase {
    /// All rows of the outbox, in the order of their insertion.
    func outbox() async throws -> [SettledRow] {
        try await rows("SELECT * FROM market_chat.outbox ORDER BY id").map { row in
            let kind: SandboxContext.Kind =
                try row.decode("context_type", as: String.self) == "ORDER" ? .order : .return
            return SettledRow(
                id: try row.decode("id"),
                context: SandboxContext(
                    businessID: try row.decode("business_id"), kind: kind, id: try row.decode("context_id")),
                state: try row.decode("state"), chatID: try row.decode("chat_id"), attempts: try row.decode("attempts"),
                lastError: try row.decode("last_error"))
        }
    }
}
