import LibPQ
import PrivatePostgres

/// A transaction that holds something until it is told to end: `LOCK blocker` of others waits for it.
struct BlockingTransaction: Sendable {
    private let connection: PostgresConnection

    /// - Parameter alsoRunning: a statement whose locks it holds too.
    static func begin(_ database: TestDatabase, alsoRunning sql: String? = nil) async throws -> BlockingTransaction {
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(connectionString: database.connectionString))
        _ = try await connection.query(PostgresStatement("CREATE TABLE IF NOT EXISTS blocker ()"))
        for statement in ["BEGIN", "LOCK blocker"] + [sql].compactMap(\.self) {
            _ = try await connection.query(PostgresStatement(statement))
        }
        return BlockingTransaction(connection: connection)
    }

    func end() async {
        await connection.close()
    }
}
