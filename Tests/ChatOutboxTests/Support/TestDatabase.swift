import ChatOutbox
import PrivatePostgres
import Synchronization
import Testing

/// A database of its own with the schema in it, in the cluster that all tests of this run share.
struct TestDatabase: Sendable {
    let cluster: PrivatePostgres
    let name: String
    let connectionString: String

    private static let template = Mutex<Task<String, any Error>?>(nil)

    static func make() async throws -> TestDatabase {
        let cluster = try await PrivatePostgres.shared()
        let migrated = template.withLock { current in
            if let current { return current }
            let task = Task {
                let connectionString = try await cluster.createDatabase(named: "migrated")
                _ = try await SchemaMigrator(connectionString: connectionString).migrate()
                return "migrated"
            }
            current = task
            return task
        }
        return try await make(in: cluster, template: migrated.value)
    }

    /// Without the schema.
    static func makeEmpty() async throws -> TestDatabase {
        try await make(in: PrivatePostgres.shared(), template: "template0")
    }

    private static func make(in cluster: PrivatePostgres, template: String) async throws -> TestDatabase {
        let connectionString = try await cluster.createDatabase(template: template)
        let name = String(try #require(connectionString.split(separator: "dbname=").last).prefix { $0 != " " })
        return TestDatabase(cluster: cluster, name: name, connectionString: connectionString)
    }

    func connectionString(user: String) -> String {
        cluster.connectionString(database: name, user: user)
    }

    /// Runs SQL in `psql`; returns its rows.
    @discardableResult
    func sql(_ script: String, user: String = PrivatePostgres.superuser) async throws -> String {
        try await cluster.psql(script: script, database: name, user: user)
    }

    /// One value.
    func value(_ query: String) async throws -> String {
        String(try await sql(query).dropLast())
    }

    func outbox(pollInterval: Duration = .seconds(10), user: String? = nil) -> PostgresOutbox {
        PostgresOutbox(
            PostgresOutbox.Configuration(
                connectionString: user.map(connectionString) ?? connectionString, pollInterval: pollInterval))
    }

    /// A session that owns `businessIDs`.
    func session(owning businessIDs: [Int64] = [11]) async throws -> any OutboxSession {
        let session = try await outbox().openSession()
        let claimed = try await session.claim(businessIDs)
        #expect(claimed.map(\.businessID).sorted() == businessIDs.sorted())
        return session
    }

    /// Inserts rows with these numbers; they are due at once.
    func insert(_ contextIDs: ClosedRange<Int>, business: Int64 = 11, priority: Int = 0) async throws {
        try await sql(
            """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, priority)
            SELECT \(business), 'ORDER', n, \(priority)
            FROM generate_series(\(contextIDs.lowerBound), \(contextIDs.upperBound)) n;
            """)
    }
}

/// The error of a call that has to fail.
func failure<Value>(_ call: () async throws(OutboxError) -> Value) async -> OutboxError? {
    do throws(OutboxError) {
        _ = try await call()
        return nil
    } catch {
        return error
    }
}

extension SchemaMigrator.Report {
    /// Before and after.
    var versions: [Int] { [before, after] }
}
