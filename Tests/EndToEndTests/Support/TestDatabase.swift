import Harness
import LibPQ
import PrivatePostgres
import Synchronization
import Testing

/// A database of its own, with the schema as `market-chatd migrate` made it, and a history of every row's states.
struct TestDatabase: Sendable {
    let cluster: PrivatePostgres
    let name: String
    let connectionString: String
    /// Of the superuser. Broken where the server was killed: see ``reconnected()``.
    let connection: PostgresConnection

    private static let template = Mutex<Task<String, any Error>?>(nil)

    /// In the cluster that all tests of this run share.
    static func make() async throws -> TestDatabase {
        let cluster = try await PrivatePostgres.shared()
        let made = template.withLock { current in
            if let current { return current }
            let task = Task {
                try await cluster.createDatabase(named: "end_to_end")
                try await prepare("end_to_end", of: cluster)
                return "end_to_end"
            }
            current = task
            return task
        }
        let connectionString = try await cluster.createDatabase(template: made.value)
        return try await open(connectionString, of: cluster)
    }

    /// Without the schema.
    static func makeEmpty() async throws -> TestDatabase {
        let cluster = try await PrivatePostgres.shared()
        return try await open(cluster.createDatabase(), of: cluster)
    }

    /// In a cluster of its own, where the server itself is to suffer.
    static func make(in cluster: PrivatePostgres) async throws -> TestDatabase {
        try await cluster.createDatabase(named: "own")
        try await prepare("own", of: cluster)
        return try await open(cluster.connectionString(database: "own"), of: cluster)
    }

    private static func prepare(_ name: String, of cluster: PrivatePostgres) async throws {
        let url = cluster.connectionString(database: name)
        let migration = try await finish(DaemonSettings(["migrate"], variables: ["DATABASE_URL": url]))
        guard migration.ending == .exited(0) else {
            throw WaitedInVain(description: "market-chatd migrate: \(migration.ending) \(migration.errors)")
        }
        try await cluster.psql(script: History.schema, database: name)
    }

    private static func open(_ connectionString: String, of cluster: PrivatePostgres) async throws -> TestDatabase {
        let name = String(try #require(connectionString.split(separator: "dbname=").last).prefix { $0 != " " })
        return TestDatabase(
            cluster: cluster, name: name, connectionString: connectionString,
            connection: try await connect(connectionString))
    }

    private static func connect(_ connectionString: String) async throws -> PostgresConnection {
        let quiet = [(key: "options", value: "-c client_min_messages=error")]
        return try await PostgresConnection.connect(
            PostgresConfiguration(connectionString: connectionString, defaults: quiet))
    }

    /// The same with a new connection, once the server takes one.
    func reconnected() async throws -> TestDatabase {
        await connection.close()
        return TestDatabase(
            cluster: cluster, name: name, connectionString: connectionString,
            connection: try await Self.connect(connectionString))
    }

    /// One more connection, to be closed by the caller.
    func anotherConnection() async throws -> PostgresConnection { try await Self.connect(connectionString) }

    func connectionString(user: String) -> String { cluster.connectionString(database: name, user: user) }

    /// Runs statements.
    func run(_ script: String, timeout: Duration? = nil) async throws {
        try await connection.execute(script: script, timeout: timeout)
    }

    func rows(_ query: String) async throws -> PostgresRows {
        try await connection.query(PostgresStatement(query))
    }

    /// One value as text.
    func text(_ expression: String) async throws -> String? {
        try await rows("SELECT (\(expression))::text AS value")[0].decode("value", as: String?.self)
    }

    /// One whole number, such as of `SELECT count(*) …`.
    func number(_ expression: String) async throws -> Int {
        try await rows("SELECT (\(expression))::bigint AS value")[0].decode("value")
    }

    /// Inserts rows that are due at once.
    func insert(
        _ contextIDs: ClosedRange<Int>, type: String = "ORDER", business: Int64 = 11, priority: Int = 0
    ) async throws {
        try await run(
            """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, priority)
            SELECT \(business), '\(type)', n, \(priority)
            FROM generate_series(\(contextIDs.lowerBound), \(contextIDs.upperBound)) n
            """)
    }

    /// How many rows are in this state.
    func count(_ state: String) async throws -> Int {
        try await number("SELECT count(*) FROM market_chat.outbox WHERE state = '\(state)'")
    }

    /// Waits until no row is pending any more.
    func untilSettled(atMost limit: Duration = patience) async throws {
        try await waitUntil("all rows are settled", every: .milliseconds(20), atMost: limit) {
            try await number("SELECT count(*) FROM market_chat.outbox WHERE state = 'pending'") == 0
        }
    }
}
