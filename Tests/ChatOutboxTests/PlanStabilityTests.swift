import LibPQ
import TestSupport
import Testing

@testable import ChatOutbox

/// Plans cannot turn: whatever the statistics say, and whatever was in the table when a session made its plans, no hot
/// statement reads the whole outbox or all that is pending.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct PlanStabilityTests {
    /// What ANALYZE saw.
    enum Statistics: CaseIterable {
        case emptyQueue, nothing, nothingPending, manyPending
    }

    private struct Statement {
        var name: String
        var sql: String
        var types: String
        var values: String
    }

    private static let statements = [
        Statement(
            name: "settle", sql: SQLText.settle,
            types:
                "bigint[], integer[], text[], bigint[], bigint[], integer[], text[], text[], text[], boolean[], boolean",
            values:
                "'{60001}', '{0}', '{deferred}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{f}', "
                + "false"),
        Statement(
            name: "settle_free", sql: SQLText.settle,
            types:
                "bigint[], integer[], text[], bigint[], bigint[], integer[], text[], text[], text[], boolean[], boolean",
            values:
                "'{60001}', '{0}', '{deferred}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{f}', "
                + "true"),
        Statement(name: "still_pending", sql: SQLText.stillPending, types: "bigint[]", values: "'{60001, 60002}'"),
        Statement(
            name: "note_refusal", sql: SQLText.noteRefusal, types: "bigint, text, text", values: "60001, 'X', 'no'"),
        Statement(name: "lock_row", sql: SQLText.lockRow, types: "bigint", values: "60001"),
        Statement(
            name: "due_rows", sql: SQLText.dueRows, types: "bigint, bigint, smallint, timestamptz, text",
            values: "11, 16, NULL, NULL, NULL"),
        Statement(
            name: "due_repeats", sql: SQLText.dueRepeats, types: "bigint, bigint, text", values: "11, 16, NULL"),
        Statement(name: "outlook", sql: SQLText.outlook, types: "bigint", values: "11"),
        Statement(name: "poll", sql: SQLText.poll, types: "bigint[], bigint", values: "'{11, 22}', 100"),
        Statement(
            name: "delete_settled", sql: SQLText.deleteSettled, types: "bigint, integer, bigint",
            values: "100000000000, 100, 0"),
    ]

    @Test(arguments: Statistics.allCases) func noHotStatementReadsAll(statistics: Statistics) async throws {
        let database = try await TestDatabase.make()
        try await database.sql("ALTER TABLE market_chat.outbox SET (autovacuum_enabled = off)")
        if statistics == .emptyQueue { try await database.sql("VACUUM ANALYZE market_chat.outbox") }
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(connectionString: database.connectionString))
        let configuration = PostgresOutbox.Configuration(
            connectionString: database.connectionString, pollInterval: .seconds(10))
        _ = try await connection.query(PostgresOutbox.settings(configuration, statementTimeout: .seconds(60)))
        // Plans are made now, while the table is empty, and kept.
        if statistics == .emptyQueue { try await prepare(on: connection) }
        try await fill(database, statistics)
        if statistics != .emptyQueue { try await prepare(on: connection) }
        for statement in Self.statements {
            let explained = try await connection.query(
                PostgresStatement(
                    "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) "
                        + "EXECUTE \(statement.name)(\(statement.values))"))
            let lines = try explained.map { try $0.decode("QUERY PLAN", as: String.self) }
            let pages =
                lines.first { $0.contains("Buffers: shared") }.map { line in
                    line.split { " =".contains($0) }.compactMap { Int($0) }.reduce(0, +)
                } ?? 0
            // The whole table has more than 700, its part of the index that is pending more than 100.
            #expect(pages < 100, "\(statement.name), \(statistics): \(pages) pages\n\(lines.joined(separator: "\n"))")
        }
        await connection.close()
    }

    private func prepare(on connection: PostgresConnection) async throws {
        for statement in Self.statements {
            _ = try await connection.query(
                PostgresStatement("PREPARE \(statement.name)(\(statement.types)) AS \(statement.sql)"))
            _ = try await connection.query(PostgresStatement("EXECUTE \(statement.name)(\(statement.values))"))
        }
    }

    private func fill(_ database: TestDatabase, _ statistics: Statistics) async throws {
        let settled = """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, state, settled_at)
            SELECT 11, 'ORDER', n, 'rejected', now() FROM generate_series(1, 60000) n;
            """
        let pending = """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id)
            SELECT 11, 'ORDER', n FROM generate_series(60001, 90000) n;
            """
        switch statistics {
        case .emptyQueue, .nothing: try await database.sql(settled + pending)
        case .nothingPending: try await database.sql(settled + "VACUUM ANALYZE market_chat.outbox;" + pending)
        case .manyPending: try await database.sql(settled + pending + "VACUUM ANALYZE market_chat.outbox;")
        }
    }
}
