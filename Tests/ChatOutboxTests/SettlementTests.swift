import ChatOutbox
import Harness
import LibPQ
import PrivatePostgres
import TestSupport
import Testing

/// How results are written.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct SettlementTests {
    func result(
        _ rowID: Int64, _ change: RowResult.Change, attempts: Int = 0, _ exchange: ExchangeRecord? = nil,
        business: Int64 = 11
    ) -> RowResult {
        RowResult(rowID: rowID, businessID: business, attempts: attempts, change: change, exchange: exchange)
    }

    /// Settles, and what is refused once more apart, as the engine does.
    func settleAll(_ results: [RowResult], by session: any OutboxSession) async throws -> [RowOutcome] {
        var outcomes = try await session.settle(results, remembering: [])
        for (index, outcome) in outcomes.enumerated() {
            guard case .refused(let text) = outcome else { continue }
            var result = results[index]
            result.refusal = text
            outcomes[index] = try await session.settleApart([result])[0]
        }
        return outcomes
    }

    func row(_ contextID: Int, in database: TestDatabase, _ columns: String) async throws -> String {
        try await database.value("SELECT \(columns) FROM market_chat.outbox WHERE context_id = \(contextID)")
    }

    @Test func eachChangeDoesWhatItSays() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...5)
        let session = try await database.session()
        let error = ExchangeRecord(httpStatus: 404, code: "NOT_FOUND", message: "Order not found: 3", traceID: "00-abc")
        let outcomes = try await session.settle(
            [
                result(1, .created(chatID: 77)), result(2, .rejected, .init(httpStatus: 400, code: "BAD")),
                result(3, .backoff(.seconds(100)), error), result(4, .deferred, .init(code: "TIMEOUT")),
                result(99, .created(chatID: 1)),
            ], remembering: [])
        #expect(outcomes == [.written, .written, .written, .written, .notPending])
        let columns =
            "state, chat_id, attempts, last_error, settled_at IS NOT NULL, due_at > now(), not_found_since IS NOT NULL"
        #expect(try await row(1, in: database, columns) == "created|77|0||t|f|f")
        #expect(try await row(2, in: database, columns) == "rejected||1|400 BAD|t|f|f")
        #expect(try await row(3, in: database, columns) == "pending||1|404 NOT_FOUND: Order not found: 3|f|t|t")
        #expect(try await row(4, in: database, columns) == "pending||0|TIMEOUT|f|f|f")
        #expect(try await row(5, in: database, columns) == "pending||0||f|f|f")
        let attempts = try await database.sql(
            "SELECT outbox_id, http_status, code, message, trace_id, verdict FROM market_chat.attempt ORDER BY outbox_id"
        )
        #expect(
            attempts
                == "2|400|BAD|||rejected\n3|404|NOT_FOUND|Order not found: 3|00-abc|backoff\n4||TIMEOUT|||deferred\n")
        await session.close()
    }

    @Test func aSettledRowStaysAsItIs() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...1)
        let session = try await database.session()
        let twice = [result(1, .created(chatID: 77))]
        #expect(try await session.settle(twice, remembering: []) == [.written])
        let changes: [RowResult.Change] = [.created(chatID: 78), .rejected, .backoff(.seconds(1)), .deferred]
        for change in changes {
            #expect(try await session.settle([result(1, change, .init(code: "X"))], remembering: []) == [.notPending])
        }
        #expect(try await row(1, in: database, "state, chat_id, attempts") == "created|77|0")
        #expect(try await database.value("SELECT count(*) FROM market_chat.attempt") == "0")
        await session.close()
    }

    @Test func aBackoffThatIsWrittenTwiceBurnsOneAttempt() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...1)
        let session = try await database.session()
        let backoff = [result(1, .backoff(.seconds(1)), attempts: 0)]
        #expect(try await session.settle(backoff, remembering: []) == [.written])
        #expect(try await session.settle(backoff, remembering: []) == [.notPending])
        #expect(try await row(1, in: database, "attempts") == "1")
        await session.close()
    }

    @Test func aCreatedChatIsToldWithItsCommit() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...2)
        let session = try await database.session()
        let listener = try await PostgresConnection.connect(
            PostgresConfiguration(connectionString: database.connectionString))
        _ = try await listener.query(PostgresStatement("LISTEN market_chat_created"))
        _ = try await session.settle([result(2, .rejected), result(1, .created(chatID: 77))], remembering: [])
        var heard = listener.notifications.makeAsyncIterator()
        #expect(
            await heard.next()?.payload
                == #"{"id":1,"business_id":11,"context_type":"ORDER","context_id":1,"chat_id":77}"#)
        await listener.close()
        await session.close()
    }

    // MARK: Texts

    @Test func noTextOfTheMarketsBreaksASettlement() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...1)
        let session = try await database.session()
        let nasty = ExchangeRecord(code: "A\0B", message: "'; DROP TABLE market_chat.outbox; -- \u{0}\u{1F600}\u{202E}")
        #expect(try await session.settle([result(1, .deferred, nasty)], remembering: []) == [.written])
        #expect(
            try await database.value("SELECT code || message FROM market_chat.attempt")
                == "A\u{FFFD}B'; DROP TABLE market_chat.outbox; -- \u{FFFD}\u{1F600}\u{202E}")
        await session.close()
    }

    @Test func aDatabaseOfFewLettersTakesWhatItCan() async throws {
        let cluster = try await PrivatePostgres.shared()
        try await cluster.psql(
            script: "CREATE DATABASE cyrillic ENCODING 'KOI8R' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        let connectionString = cluster.connectionString(database: "cyrillic")
        _ = try await SchemaMigrator(connectionString: connectionString).migrate()
        let database = TestDatabase(cluster: cluster, name: "cyrillic", connectionString: connectionString)
        try await database.insert(1...2)
        let session = try await database.session()
        let results = [
            result(1, .deferred, .init(message: "Заказ не найден")), result(2, .deferred, .init(message: "order 😀")),
        ]
        #expect(try await settleAll(results, by: session) == [.written, .written])
        #expect(
            try await database.sql(
                "SET client_encoding = 'UTF8'; SELECT last_error FROM market_chat.outbox ORDER BY id")
                == "Заказ не найден\norder ?\n")
        await session.close()
    }

    // MARK: Retention

    @Test func onlyWhatWasSettledLongAgoIsDeleted() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...5)
        try await database.sql(
            """
            UPDATE market_chat.outbox
            SET state = 'rejected', created_at = now() - interval '4 days', settled_at = now() - interval '3 days'
            WHERE context_id < 4;
            UPDATE market_chat.outbox SET state = 'rejected', settled_at = now() WHERE context_id = 4;
            UPDATE market_chat.outbox SET created_at = now() - interval '3 days' WHERE context_id = 5;
            INSERT INTO market_chat.attempt (outbox_id, verdict) SELECT id, 'rejected' FROM market_chat.outbox;
            """)
        let outbox = database.outbox()
        var walk = RetentionWalk()
        var deleted: [Int] = []
        repeat {
            walk = try await outbox.deleteSettled(olderThan: .seconds(86_400), walk, limit: 2)
            deleted.append(walk.deleted)
        } while !walk.isOver
        #expect(deleted.reduce(0, +) == 3, "\(deleted)")
        #expect(try await database.sql("SELECT context_id FROM market_chat.outbox ORDER BY 1") == "4\n5\n")
        #expect(try await database.value("SELECT count(*) FROM market_chat.attempt") == "2")
        await outbox.close()
    }
}
