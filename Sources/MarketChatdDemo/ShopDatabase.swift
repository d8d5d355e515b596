import PrivatePostgres

/// The seller's database: the shop's tables, the example triggers, and the roles that a seller would have.
struct ShopDatabase: Sendable {
    static let name = "shop"
    /// Owns the shop's tables.
    static let owner = "shop_owner"
    /// What the shop's program is connected as: it writes orders and may ask for chats.
    static let application = "shop_app"

    let postgres: PrivatePostgres

    /// Creates the database and the shop's tables, as they are before anybody thinks of chats.
    static func create(in postgres: PrivatePostgres) async throws -> ShopDatabase {
        try await postgres.createDatabase(named: name)
        let database = ShopDatabase(postgres: postgres)
        try await database.run(
            """
            CREATE ROLE \(owner) LOGIN;
            CREATE ROLE \(application) LOGIN;
            GRANT CREATE ON DATABASE \(name) TO \(owner);
            """)
        try await database.run(EmbeddedSQL.shopTables, as: owner)
        try await database.run(
            """
            GRANT USAGE ON SCHEMA shop TO \(application);
            GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA shop TO \(application);
            """,
            as: owner)
        return database
    }

    /// Joins the shop to the outbox, once `market-chatd migrate` has made that.
    func connectToOutbox() async throws {
        try await run(EmbeddedSQL.roles)
        try await run("GRANT \(EmbeddedSQL.producerRole) TO \(Self.owner), \(Self.application)")
        try await run(EmbeddedSQL.enqueueFromOrders, as: Self.owner)
        try await run(EmbeddedSQL.writeChatIDBack)
    }

    func insert(_ rows: [ShopRow]) async throws {
        try await run(ShopQueries.transactions(rows), as: Self.application)
    }

    func snapshot() async throws -> ShopSnapshot {
        try ShopSnapshot(parsing: try await run(ShopQueries.snapshot))
    }

    func finalRows() async throws -> [FinalRow] {
        try FinalRow.parse(try await run(ShopQueries.finalRows))
    }

    /// As the administrator unless a role is named.
    @discardableResult
    private func run(_ script: String, as role: String = PrivatePostgres.superuser) async throws -> String {
        try await postgres.psql(script: script, database: Self.name, user: role)
    }
}

/// The files of `Config`, the very same that a seller runs.
enum EmbeddedSQL {
    static let shopTables = text(PackageResources.shop_tables_sql)
    static let enqueueFromOrders = text(PackageResources.enqueue_from_orders_sql)
    static let roles = text(PackageResources.roles_sql)
    static let writeChatIDBack = text(PackageResources.write_chat_id_back_sql)

    /// What the daemon is connected as: a role of `roles.sql`.
    static let daemonRole = "market_chatd"
    /// What whoever asks for chats is a member of: the other role of `roles.sql`.
    static let producerRole = "market_chat_producer"
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
