import LibPQ
import MarketSandbox
import Testing

/// A table that remembers each change of a row's state or chat, written by a trigger in the same transaction.
enum History {
    static let schema = """
        CREATE TABLE public.history (outbox_id bigint, old_state text, new_state text, old_chat bigint, new_chat bigint);
        CREATE FUNCTION public.remember() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO public.history VALUES (NEW.id, OLD.state, NEW.state, OLD.chat_id, NEW.chat_id);
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER remember AFTER UPDATE ON market_chat.outbox FOR EACH ROW
        WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.chat_id IS DISTINCT FROM NEW.chat_id)
        EXECUTE FUNCTION public.remember();
        ALTER TABLE public.history OWNER TO postgres;
        GRANT ALL ON public.history TO public;
        """
}

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

    /// What has to hold at the end of a run, whatever went wrong in it: every row was settled, once, and its chat is the
    /// one that the Market has.
    func expectTruth(of sandbox: MarketSandboxServer, rows expected: Int) async throws {
        let rows = try await outbox()
        let chats = sandbox.state().chats
        #expect(rows.count == expected)
        for row in rows {
            #expect(row.state != "pending", "\(row)")
            #expect(row.state == "rejected" || row.chatID != nil && row.chatID == chats[row.context], "\(row)")
        }
        let twice = try await number("SELECT count(*) - count(DISTINCT outbox_id) FROM history")
        #expect(twice == 0, "a row was settled twice")
        let leavesPending = try await number("SELECT count(*) FROM history WHERE old_state = 'pending'")
        #expect(leavesPending == expected)
        let burned = """
            SELECT count(*) FROM market_chat.outbox o WHERE attempts <> (
                SELECT count(*) FROM market_chat.attempt a
                WHERE a.outbox_id = o.id AND a.verdict IN ('backoff', 'rejected'))
            """
        #expect(try await number(burned) == 0, "attempts and their history disagree")
    }
}
