import MarketSandbox
import Testing

/// What has to hold at the end of a run, whatever went wrong in it: every row was settled, once, and its chat is the one
/// that the Market has.
enum Invariants {
    static func expectAll(in database: TestDatabase, _ sandbox: MarketSandboxServer, rows expected: Int) async throws {
        let rows = try await database.outbox()
        let chats = sandbox.state().chats
        #expect(rows.count == expected)
        for row in rows {
            #expect(row.state != "pending", "\(row)")
            #expect(row.state == "rejected" || row.chatID != nil && row.chatID == chats[row.context], "\(row)")
        }
        let twice = try await database.number("SELECT count(*) - count(DISTINCT outbox_id) FROM history")
        #expect(twice == 0, "a row was settled twice")
        let leavesPending = try await database.number("SELECT count(*) FROM history WHERE old_state = 'pending'")
        #expect(leavesPending == expected)
        let burned = """
            SELECT count(*) FROM market_chat.outbox o WHERE attempts <> (
                SELECT count(*) FROM market_chat.attempt a
                WHERE a.outbox_id = o.id AND a.verdict IN ('backoff', 'rejected'))
            """
        #expect(try await database.number(burned) == 0, "attempts and their history disagree")
    }
}
