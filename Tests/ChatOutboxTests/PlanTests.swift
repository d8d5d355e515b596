import TestSupport
import Testing

@testable import ChatOutbox

/// How the server carries out the hot statements: by the index, without a sort, and without walking over rows that do not
/// matter. The plans are those of prepared statements.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct PlanTests {
    /// 30,000 settled rows, 30,000 that wait for tomorrow at a high priority, 300 that are due at a low one.
    private func crowded(isAnalyzed: Bool) async throws -> TestDatabase {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            ALTER TABLE market_chat.outbox SET (autovacuum_enabled = off);
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, priority, due_at, state, settled_at)
            SELECT 11, 'ORDER', n, 0, now() - interval '1 day', 'rejected', now() FROM generate_series(1, 30000) n;
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, priority, due_at)
            SELECT 11, 'ORDER', n, 9, now() + interval '1 day' FROM generate_series(30001, 60000) n;
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, priority)
            SELECT 11, 'ORDER', n, 0 FROM generate_series(60001, 60300) n;
            """ + (isAnalyzed ? "VACUUM ANALYZE market_chat.outbox;" : ""))
        return database
    }

    /// The plan of a statement as it is carried out, with the pages it touched.
    private func plan(
        _ sql: String, types: String, values: String, in database: TestDatabase
    ) async throws -> (text: String, pages: Int) {
        // Once to warm up: the first execution touches the catalogue too.
        let explain = "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE q(\(values));"
        let text = try await database.sql(
            """
            SET plan_cache_mode = force_generic_plan;
            PREPARE q(\(types)) AS \(sql);
            \(explain)
            \\echo ====
            \(explain)
            """)
        let second = text.split(separator: "====").last.map(String.init) ?? ""
        let pages = second.split(separator: "\n").first { $0.contains("Buffers: shared") }.map { line in
            line.split { " =".contains($0) }.compactMap { Int($0) }.reduce(0, +)
        }
        return (second, pages ?? 0)
    }

    @Test(arguments: [true, false]) func dueRowsAreFoundByTheIndexAlone(isAnalyzed: Bool) async throws {
        let database = try await crowded(isAnalyzed: isAnalyzed)
        let (text, pages) = try await plan(
            SQLText.dueRows, types: "bigint, bigint, smallint, timestamptz, text", values: "11, 16, NULL, NULL, NULL",
            in: database)
        #expect(!text.contains("Seq Scan") && !text.contains("Sort") && !text.contains("Bitmap"), "\(text)")
        #expect(text.contains("outbox_pending"))
        // 30,000 index entries would be 150 pages and more.
        #expect(pages < 60, "\(pages) pages\n\(text)")
    }

    @Test(arguments: [true, false]) func repeatsAreFoundByTheIndexAlone(isAnalyzed: Bool) async throws {
        let database = try await crowded(isAnalyzed: isAnalyzed)
        let (text, pages) = try await plan(
            SQLText.dueRepeats, types: "bigint, bigint, text", values: "11, 16, NULL", in: database)
        #expect(
            !text.contains("Seq Scan") && !text.contains("Sort") && !text.contains("Bitmap Heap Scan on outbox"),
            "\(text)")
        // 200 rows were looked at.
        #expect(pages < 60, "\(pages) pages\n\(text)")
    }

    @Test(arguments: [true, false]) func aSampleIsDrawnFromBoundedWalks(isAnalyzed: Bool) async throws {
        let database = try await crowded(isAnalyzed: isAnalyzed)
        try await database.sql(
            """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id)
            SELECT 11, t, n FROM generate_series(100001, 150000) n, unnest('{ORDER, RETURN}'::text[]) t;
            """)
        let (text, pages) = try await plan(
            SQLText.sampleRows, types: "bigint, bigint, text, bigint[]", values: "11, 16, NULL, '{60001}'", in: database
        )
        #expect(!text.contains("Seq Scan on outbox") && !text.contains("Bitmap Heap Scan on outbox"), "\(text)")
        #expect(pages < 2000, "\(pages) pages\n\(text)")
    }

    /// While somebody holds an old snapshot, the dead entries of settled rows stay in the index. The watermark spares them.
    @Test func theWatermarkSparesTheEntriesOfSettledRows() async throws {
        let database = try await TestDatabase.make()
        let reader = try await BlockingTransaction.begin(
            database, alsoRunning: "DECLARE old CURSOR FOR SELECT FROM market_chat.outbox")
        try await database.sql(
            """
            ALTER TABLE market_chat.outbox SET (autovacuum_enabled = off);
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, due_at)
            SELECT 11, 'ORDER', n, timestamptz '2026-01-01' + n * interval '1 second' FROM generate_series(1, 20000) n;
            UPDATE market_chat.outbox SET state = 'rejected', settled_at = now() WHERE context_id < 19900;
            """)
        let (text, pages) = try await plan(
            SQLText.dueRows, types: "bigint, bigint, smallint, timestamptz, text",
            values: "11, 16, 0, timestamptz '2026-01-01' + 19900 * interval '1 second', NULL", in: database)
        #expect(pages < 100, "\(pages) pages\n\(text)")
        await reader.end()
    }

    @Test(arguments: [true, false]) func theOutlookWalksOverNothing(isAnalyzed: Bool) async throws {
        let database = try await crowded(isAnalyzed: isAnalyzed)
        let (text, pages) = try await plan(SQLText.outlook, types: "bigint", values: "11", in: database)
        #expect(!text.contains("Seq Scan on outbox") && !text.contains("Sort"), "\(text)")
        #expect(pages < 60, "\(pages) pages\n\(text)")
    }

    @Test func thePollCountsNoFurtherThanItsBound() async throws {
        let database = try await crowded(isAnalyzed: true)
        let (text, pages) = try await plan(
            SQLText.poll, types: "bigint[], bigint", values: "'{11,22,33}', 100", in: database)
        #expect(!text.contains("Seq Scan on outbox"), "\(text)")
        #expect(pages < 150, "\(pages) pages\n\(text)")
    }

    /// Also where the statistics are those of an empty queue.
    @Test(arguments: [true, false]) func settlingFindsRowsByTheirKeys(isLeavingLocked: Bool) async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            ALTER TABLE market_chat.outbox SET (autovacuum_enabled = off);
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, state, settled_at)
            SELECT 11, 'ORDER', n, 'rejected', now() FROM generate_series(1, 60000) n;
            VACUUM ANALYZE market_chat.outbox;
            INSERT INTO market_chat.outbox (business_id, context_type, context_id)
            SELECT 11, 'ORDER', n FROM generate_series(60001, 90000) n;
            """)
        let types =
            "bigint[], integer[], text[], bigint[], bigint[], integer[], text[], text[], text[], boolean[], boolean"
        let values =
            "'{60001}', '{0}', '{created}', '{7}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{f}', \(isLeavingLocked)"
        let (text, _) = try await plan(SQLText.settle, types: types, values: values, in: database)
        #expect(!text.contains("Seq Scan on outbox") && !text.contains("outbox_pending"), "\(text)")
        #expect(text.contains("outbox_pkey"))
    }

    @Test func deletingFindsOldRowsByTheirIndex() async throws {
        let database = try await crowded(isAnalyzed: true)
        let (text, _) = try await plan(
            SQLText.deleteSettled, types: "bigint, integer, bigint", values: "1, 10, 0", in: database)
        #expect(!text.contains("Seq Scan on outbox"), "\(text)")
    }
}
