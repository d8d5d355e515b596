import Harness
import MarketSandbox
import PrivatePostgres
import TestSupport
import Testing

/// A seller's own triggers on the settlement, with the daemon in a role that has no right on the seller's tables.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct TriggerTests {
    /// A database with the example tables and triggers of the repository.
    private func shop() async throws -> TestDatabase {
        let database = try await TestDatabase.make()
        for file in ["roles.sql", "examples/shop-tables.sql", "examples/enqueue-from-orders.sql"]
            + ["examples/write-chat-id-back.sql"]
        {
            try await database.cluster.psql(script: Repository.text(of: "Config/\(file)"), database: database.name)
        }
        return database
    }

    private func settings(_ database: TestDatabase, _ sandbox: MarketSandboxServer) -> DaemonSettings {
        DaemonSettings.run(
            database, sandbox, ["DATABASE_URL": database.connectionString(user: "market_chatd")])
    }

    @Test func theExamplesBringAnOrdersChatIntoTheSellersTables() async throws {
        let database = try await shop()
        var options = SandboxOptions()
        options.missing.ids = [5: .never]
        try await withSandbox(options) { sandbox in
            let settings = settings(database, sandbox).with(["CHATD_NOT_FOUND_PATIENCE": "100ms"])
            try await withDaemon(settings) { daemon in
                try await database.run(
                    """
                    INSERT INTO shop.orders (business_id, id, status)
                    SELECT 11, n, CASE WHEN n <= 8 THEN 'NEEDS_CHAT' ELSE 'NEW' END FROM generate_series(1, 10) n;
                    INSERT INTO shop.returns (business_id, id, status) VALUES (11, 1, 'NEEDS_CHAT');
                    UPDATE shop.orders SET status = 'NEEDS_CHAT' WHERE id = 9;
                    """)
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 10)
            let unequal = """
                SELECT count(*) FROM market_chat.outbox b
                LEFT JOIN shop.orders o ON b.context_type = 'ORDER' AND o.id = b.context_id
                LEFT JOIN shop.returns r ON b.context_type = 'RETURN' AND r.id = b.context_id
                WHERE coalesce(o.chat_id, r.chat_id) IS DISTINCT FROM b.chat_id
                    OR coalesce(o.chat_settled_at, r.chat_settled_at) IS DISTINCT FROM b.settled_at
                """
            #expect(try await database.number(unequal) == 0)
            #expect(try await database.number("SELECT count(*) FROM shop.orders WHERE chat_id IS NOT NULL") == 8)
            #expect(try await database.number("SELECT count(*) FROM shop.returns WHERE chat_id IS NOT NULL") == 1)
            let rejected = try await database.text("SELECT chat_error FROM shop.orders WHERE id = 5")
            #expect(rejected?.contains("Order not found: '5'") == true)
            // An order that asked for nothing has no row.
            #expect(try await database.text("SELECT chat_settled_at FROM shop.orders WHERE id = 10") == nil)
        }
    }

    @Test func aFailingTriggerHoldsBackItsRowAndNotItsNeighbours() async throws {
        let database = try await TestDatabase.make()
        try await database.run(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'order % has no shelf', NEW.context_id;
            END
            $$;
            CREATE TRIGGER refuse AFTER UPDATE ON market_chat.outbox FOR EACH ROW
            WHEN (NEW.state = 'created' AND NEW.context_id = 7) EXECUTE FUNCTION refuse();
            """)
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await database.insert(1...20)
                try await waitUntil("the neighbours are settled", every: .milliseconds(20)) {
                    try await database.count("created") == 19
                }
                let held = "SELECT last_error FROM market_chat.outbox WHERE state = 'pending' AND context_id = 7"
                try await waitUntil("the row shows the trigger's error", every: .milliseconds(20)) {
                    try await database.text(held)?.contains("order 7 has no shelf") == true
                }
                try await daemon.log.line("Database refused the result")
                // New ones go on being settled beside it.
                try await database.insert(21...25)
                try await waitUntil("the next ones are settled", every: .milliseconds(20)) {
                    try await database.count("created") == 24
                }
                try await database.run("DROP TRIGGER refuse ON market_chat.outbox")
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 25)
        }
    }
}
