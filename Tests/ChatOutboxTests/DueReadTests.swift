import ChatOutbox
import TestSupport
import Testing

/// Which due rows a read gives: fresh ones, repeats, one type, and samples of all parts.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct DueReadTests {
    @Test func repeatsAreReadApartAndOnlyNearTheFront() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session()
        try await database.insert(1...500)
        try await database.sql(
            "UPDATE market_chat.outbox SET attempts = 2 WHERE context_id IN (3, 5, 200, 201, 400)")
        let due = try await session.readDue(of: 11, DueRead(limit: 4, repeatLimit: 10))
        #expect(due.fresh.map(\.contextID) == [1, 2, 4, 6])
        #expect(due.repeats.map(\.contextID) == [3, 5, 200])
        #expect(due.repeats.map(\.attempts) == [2, 2, 2])
        let few = try await session.readDue(of: 11, DueRead(limit: 1, repeatLimit: 1))
        #expect(few.fresh.map(\.contextID) == [1] && few.repeats.map(\.contextID) == [3])
        #expect(try await session.readDue(of: 11, DueRead(limit: 1, repeatLimit: 0)).repeats.isEmpty)
        let mark = Watermark(priority: 0, dueAtMicroseconds: .min)
        #expect(try await session.readDue(of: 11, DueRead(limit: 1, repeatLimit: 9, watermark: mark)).repeats.isEmpty)
        await session.close()
    }

    /// Once found missing, a row is rejected after so many such answers: of this asking, and about this row.
    @Test func notFoundIsCountedSinceItBeganAndWhereItIsAboutTheRow() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session()
        try await database.insert(1...2)
        try await database.sql(
            """
            UPDATE market_chat.outbox SET attempts = 1;
            UPDATE market_chat.outbox SET not_found_since = now() - interval '1 hour' WHERE context_id = 2;
            INSERT INTO market_chat.attempt (outbox_id, at, http_status, code, verdict)
            SELECT o.id, now() - tried.ago, tried.status, 'X', tried.verdict
            FROM market_chat.outbox AS o, (VALUES
                (interval '3 hours', 404, 'backoff'), (interval '2 hours', 404, 'rejected'),
                (interval '50 minutes', 404, 'backoff'), (interval '40 minutes', 404, 'deferred'),
                (interval '30 minutes', 500, 'backoff'), (interval '20 minutes', 404, 'backoff')
            ) AS tried (ago, status, verdict)
            """)
        let read = try await session.readDue(of: 11, DueRead(limit: 9, repeatLimit: 9)).repeats
        let sample = try await session.sampleDue(of: 11, contextType: nil, excluding: [], limit: 9)
        for rows in [read, sample] {
            // Row 1 was asked for anew, and not found since.
            #expect(rows.sorted { $0.id < $1.id }.map(\.notFoundCount) == [0, 2])
        }
        await session.close()
    }

    @Test func aReadMayBeOfOneTypeAlone() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session()
        try await database.insert(1...300)
        try await database.sql(
            """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id) SELECT 11, 'RETURN', n
            FROM generate_series(1, 3) n;
            UPDATE market_chat.outbox SET attempts = 1 WHERE context_id = 2;
            """)
        let returns = try await session.readDue(of: 11, DueRead(limit: 9, repeatLimit: 9, contextType: "RETURN"))
        #expect(returns.fresh.map(\.contextID) == [1, 3] && returns.repeats.map(\.contextID) == [2])
        #expect((returns.fresh + returns.repeats).allSatisfy { $0.contextType == "RETURN" })
        let orders = try await session.readDue(of: 11, DueRead(limit: 3, repeatLimit: 9, contextType: "ORDER"))
        #expect(orders.fresh.map(\.contextID) == [1, 3, 4] && orders.repeats.map(\.contextID) == [2])
        await session.close()
    }

    /// 3000 orders, then 30 returns, then 100 orders of a low priority.
    @Test func aSampleIsOfAllPartsInTurn() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session()
        try await database.insert(1...3000)
        try await database.sql(
            """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, due_at)
            SELECT 11, 'RETURN', n, CASE WHEN n > 20 THEN now() + interval '1 hour' ELSE now() END
            FROM generate_series(1, 30) n;
            """)
        try await database.insert(5001...5100, priority: -1)
        let sample = try await session.sampleDue(of: 11, contextType: nil, excluding: [1, 2], limit: 6)
        // The sixth is a return from between, unless chance drew one of the two that are there.
        #expect(sample.prefix(5).map(\.contextType) == ["ORDER", "RETURN", "ORDER", "RETURN", "ORDER"])
        let numbers = sample.map(\.contextID)
        #expect(numbers[0] == 3 && numbers[1] == 20 && numbers[3] == 1 && numbers[4] == 5100, "\(numbers)")
        #expect(Set(sample.map(\.id)).count == 6)

        let returns = try await session.sampleDue(of: 11, contextType: "RETURN", excluding: [], limit: 100)
        #expect(returns.map(\.contextID).sorted() == Array(1...20))
        let most = try await session.sampleDue(of: 11, contextType: "ORDER", excluding: [3], limit: 1000)
        #expect(most.count == 1000 && !most.contains { $0.id == 3 || $0.contextType == "RETURN" })
        #expect(try await session.sampleDue(of: 22, contextType: nil, excluding: [], limit: 9).isEmpty)
        await session.close()
    }
}
