import PrivatePostgres
import TestSupport
import Testing

@testable import ChatOutbox

/// `market_chat.waiting`: why each pending row waits, for whoever reads SQL.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct WaitingTests {
    private func reasons(_ database: TestDatabase) async throws -> [String] {
        try await database.sql("SELECT reason FROM market_chat.waiting ORDER BY context_id")
            .split(separator: "\n").map(String.init)
    }

    @Test func eachRowSaysWhyItWaits() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...4)
        #expect(try await reasons(database) == Array(repeating: "no owner", count: 4))
        let session = try await database.session()
        try await database.sql(
            """
            UPDATE market_chat.outbox SET due_at = now() + interval '1 hour' WHERE context_id = 2;
            UPDATE market_chat.outbox SET due_at = now() + interval '1 hour', attempts = 2, last_error = '404 X'
            WHERE context_id = 3;
            UPDATE market_chat.outbox SET state = 'rejected', settled_at = now() WHERE context_id = 4;
            """)
        #expect(try await reasons(database) == ["due", "scheduled", "backoff"])
        let record = BusinessRecord(
            businessID: 11, hold: .init(reason: "authorization: 401 UNAUTHORIZED", endsIn: .seconds(300)))
        _ = try await session.settle([], remembering: [record])
        #expect(
            try await reasons(database)
                == ["held: authorization: 401 UNAUTHORIZED", "scheduled", "backoff"])
        let isThen = "SELECT next_try_at - now() > interval '4 minutes' FROM market_chat.waiting WHERE context_id = 1"
        #expect(try await database.value(isThen) == "t")
        _ = try await session.settle([], remembering: [BusinessRecord(businessID: 11)])
        #expect(try await reasons(database).first == "due")
        try await database.sql("UPDATE market_chat.business SET paused = true")
        #expect(try await reasons(database) == ["paused", "paused", "paused"])
        await session.close()
    }

    /// ORDER and RETURN fail apart.
    @Test func anOpenCircuitHoldsItsOwnType() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id)
            VALUES (11, 'ORDER', 1), (11, 'RETURN', 2)
            """)
        let session = try await database.session()
        let record = BusinessRecord(
            businessID: 11, hold: .init(reason: "circuit: RETURN: 5 failures in a row", endsIn: .seconds(30)))
        _ = try await session.settle([], remembering: [record])
        #expect(try await reasons(database) == ["due", "held: circuit: RETURN: 5 failures in a row"])
        await session.close()
    }

    @Test func ofARowsExchangesTheLastFiftyAreKept() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...1)
        let session = try await database.session()
        for attempt in 0..<53 {
            let result = RowResult(
                rowID: 1, businessID: 11, attempts: attempt, change: .backoff(.seconds(1)),
                exchange: ExchangeRecord(httpStatus: 500, code: "X\(attempt)"))
            #expect(try await session.settle([result], remembering: []) == [.written])
        }
        let kept = "SELECT count(*) || ' from ' || min(id) FROM market_chat.attempt"
        #expect(try await database.value(kept) == "50 from 4")
        await session.close()
    }
}
