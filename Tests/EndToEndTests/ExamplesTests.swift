import ChatOutbox
import PrivatePostgres
import TestSupport
import Testing

@testable import MarketChatdDemo

/// `Config/examples`, with the roles of `Config/roles.sql`: each role does its part, and no more.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct ExamplesTests {
    private static let database = ShopDatabase.name

    /// Runs `body` on a cluster of its own, since roles belong to the cluster.
    private func withShop(_ body: (ShopDatabase) async throws -> Void) async throws {
        let postgres = try await PrivatePostgres.start()
        do {
            let shop = try await ShopDatabase.create(in: postgres)
            _ = try await SchemaMigrator(connectionString: postgres.connectionString(database: Self.database)).migrate()
            try await shop.connectToOutbox()
            try await body(shop)
            await postgres.stopAndRemove()
        } catch {
            await postgres.stopAndRemove()
            throw error
        }
    }

    @discardableResult
    private func sql(_ script: String, in shop: ShopDatabase, as role: String) async throws -> String {
        try await shop.postgres.psql(script: script, database: Self.database, user: role)
    }

    private static let ask = """
        INSERT INTO shop.orders (business_id, id, status) VALUES (1, 10, 'NEEDS_CHAT'), (1, 11, 'NEW');
        INSERT INTO shop.returns (business_id, id) VALUES (1, 10);
        UPDATE shop.returns SET status = 'NEEDS_CHAT';
        """

    private static func settle(_ kind: String, _ change: String) -> String {
        "UPDATE market_chat.outbox SET \(change) WHERE (context_type, context_id) = ('\(kind)', 10)"
    }

    @Test func theFilesAreSafeToRunTwice() async throws {
        try await withShop { shop in
            try await sql(EmbeddedSQL.shopTables, in: shop, as: ShopDatabase.owner)
            try await shop.connectToOutbox()
            try await sql(Self.ask, in: shop, as: ShopDatabase.application)
            let triggers = "SELECT count(*) FROM pg_trigger WHERE tgname IN ('request_chat', 'shop_take_chat')"
            #expect(try await sql(triggers, in: shop, as: ShopDatabase.owner) == "3\n")
        }
    }

    @Test func whatNeedsAChatIsAskedForOnceInItsTransaction() async throws {
        try await withShop { shop in
            try await sql(Self.ask, in: shop, as: ShopDatabase.application)
            try await sql(
                "UPDATE shop.orders SET status = 'NEEDS_CHAT' WHERE id = 10; BEGIN; UPDATE shop.orders SET status = "
                    + "'NEEDS_CHAT' WHERE id = 11; ROLLBACK;",
                in: shop, as: ShopDatabase.application)
            let rows = "SELECT context_type, context_id FROM market_chat.outbox ORDER BY 1"
            #expect(try await sql(rows, in: shop, as: ShopDatabase.application) == "ORDER|10\nRETURN|10\n")
        }
    }

    @Test func theDaemonsRoleWritesResultsIntoTablesItMayNotTouch() async throws {
        try await withShop { shop in
            try await sql(Self.ask, in: shop, as: ShopDatabase.application)
            let daemon = EmbeddedSQL.daemonRole
            try await sql(
                Self.settle("ORDER", "state = 'created', chat_id = 77, settled_at = now()"), in: shop, as: daemon)
            try await sql(Self.settle("RETURN", "state = 'pending', last_error = '503'"), in: shop, as: daemon)
            let results = "SELECT id, chat_id, chat_error, chat_settled_at IS NULL FROM "
            let orders = results + "shop.orders ORDER BY 1"
            let returns = results + "shop.returns"
            #expect(try await sql(orders, in: shop, as: ShopDatabase.application) == "10|77||f\n11|||t\n")
            #expect(try await sql(returns, in: shop, as: ShopDatabase.application) == "10|||t\n")
            try await sql(
                Self.settle("RETURN", "state = 'rejected', last_error = '404', settled_at = now()"), in: shop,
                as: daemon)
            #expect(try await sql(returns, in: shop, as: ShopDatabase.application) == "10||404|f\n")
            // Tried again by an operator.
            try await sql(Self.settle("RETURN", "state = 'pending', settled_at = NULL"), in: shop, as: daemon)
            #expect(try await sql(returns, in: shop, as: ShopDatabase.application) == "10|||t\n")
            await #expect(throws: PrivatePostgresError.self) { try await sql(orders, in: shop, as: daemon) }
        }
    }

    @Test func theFunctionIsItsOwnersAndNobodyElseMayUseIt() async throws {
        try await withShop { shop in
            let owner = "SELECT proowner::regrole, prosecdef FROM pg_proc WHERE proname = 'take_chat'"
            let facts = try await sql(owner, in: shop, as: ShopDatabase.owner)
            #expect(facts == "\(ShopDatabase.owner)|t\n")
            let error = await #expect(throws: PrivatePostgresError.self) {
                try await sql(
                    "CREATE TEMP TABLE forged (LIKE market_chat.outbox); CREATE TRIGGER forged AFTER UPDATE ON forged "
                        + "FOR EACH ROW EXECUTE FUNCTION shop.take_chat()",
                    in: shop, as: ShopDatabase.application)
            }
            #expect(error?.message.contains("permission denied for function") == true)
        }
    }

    @Test func theOwnerOfTheTablesCanJoinThemWithoutASuperuser() async throws {
        try await withShop { shop in
            try await sql(
                "DROP TRIGGER shop_take_chat ON market_chat.outbox; DROP FUNCTION shop.take_chat(); GRANT USAGE ON "
                    + "SCHEMA market_chat TO shop_owner; GRANT TRIGGER ON market_chat.outbox TO shop_owner;",
                in: shop, as: PrivatePostgres.superuser)
            try await sql(EmbeddedSQL.writeChatIDBack, in: shop, as: ShopDatabase.owner)
            try await sql(Self.ask, in: shop, as: ShopDatabase.application)
            try await sql(
                Self.settle("ORDER", "state = 'created', chat_id = 77, settled_at = now()"), in: shop,
                as: EmbeddedSQL.daemonRole)
            let chat = "SELECT chat_id FROM shop.orders WHERE id = 10"
            #expect(try await sql(chat, in: shop, as: ShopDatabase.owner) == "77\n")
        }
    }
}
