import ChatOutbox
import Harness
import LibPQ
import PrivatePostgres
import TestSupport
import Testing

/// How results are written.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct SettlementTests {
    private func result(
        _ rowID: Int64, _ change: RowResult.Change, attempts: Int = 0, _ exchange: ExchangeRecord? = nil,
        business: Int64 = 11
    ) -> RowResult {
        RowResult(rowID: rowID, businessID: business, attempts: attempts, change: change, exchange: exchange)
    }

    /// Settles, and what is refused once more apart, as the engine does.
    private func settleAll(_ results: [RowResult], by session: any OutboxSession) async throws -> [RowOutcome] {
        var outcomes = try await session.settle(results, remembering: [])
        for (index, outcome) in outcomes.enumerated() {
            guard case .refused(let text) = outcome else { continue }
            var result = results[index]
            result.refusal = text
            outcomes[index] = try await session.settleApart([result])[0]
        }
        return outcomes
    }

    private func row(_ contextID: Int, in database: TestDatabase, _ columns: String) async throws -> String {
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

    // MARK: What a user's trigger can do

    @Test func aTriggerWritesTheChatIDInTheSameTransaction() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            CREATE TABLE orders (id bigint PRIMARY KEY, chat_id bigint, xid xid8);
            INSERT INTO orders SELECT n FROM generate_series(1, 3) n;
            CREATE FUNCTION write_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                UPDATE orders SET chat_id = NEW.chat_id, xid = pg_current_xact_id() WHERE id = NEW.context_id;
                RETURN NULL;
            END $$;
            CREATE TRIGGER write_back AFTER UPDATE ON market_chat.outbox FOR EACH ROW
            WHEN (NEW.state = 'created' AND OLD.state <> 'created') EXECUTE FUNCTION write_back();
            """)
        try await database.insert(1...3)
        let session = try await database.session()
        let results = (1...3).map { result($0, .created(chatID: $0 + 100)) }
        #expect(try await session.settle(results, remembering: []) == [.written, .written, .written])
        #expect(try await database.sql("SELECT chat_id FROM orders ORDER BY id") == "101\n102\n103\n")
        #expect(
            try await database.value(
                "SELECT count(DISTINCT v) FROM (SELECT xid::text v FROM orders UNION SELECT xmin::text FROM market_chat.outbox) x"
            )
                == "1")
        await session.close()
    }

    /// Two of a hundred fail: they alone are refused in the end, with the trigger's words, and stay as they are else.
    @Test func aFailingTriggerHoldsBackItsRowAlone() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE 'order % is locked by accounting', NEW.context_id;
            END $$;
            CREATE TRIGGER refuse AFTER UPDATE ON market_chat.outbox FOR EACH ROW
            WHEN (NEW.state = 'created' AND NEW.context_id IN (17, 60)) EXECUTE FUNCTION refuse();
            """)
        try await database.insert(1...100)
        let session = try await database.session()
        let results = (1...100).map { result($0, .created(chatID: $0 + 100)) }
        var refused = results
        for (index, outcome) in try await session.settle(results, remembering: []).enumerated() {
            guard case .refused(let text) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(text.contains("is locked by accounting"))
            refused[index].refusal = text
        }
        let outcomes = try await session.settleApart(refused)
        for (index, outcome) in outcomes.enumerated() where index != 16 && index != 59 { #expect(outcome == .written) }
        #expect(outcomes[16] == .refused(error: "order 17 is locked by accounting (SQLSTATE P0001)"))
        #expect(outcomes[59] == .refused(error: "order 60 is locked by accounting (SQLSTATE P0001)"))
        let columns = "state, chat_id, attempts, last_error, due_at <= now()"
        let noted = "pending||0|result not written: P0001 order 17 is locked by accounting|t"
        #expect(try await row(17, in: database, columns) == noted)
        // The same once more leaves nothing behind.
        #expect(try await session.settleApart([refused[16]]) == [outcomes[16]])
        #expect(try await row(17, in: database, columns) == noted)
        #expect(
            try await database.sql("SELECT verdict, count(*) FROM market_chat.attempt GROUP BY outbox_id, verdict")
                == "refused|1\nrefused|1\n")
        #expect(try await database.value("SELECT count(*) FROM market_chat.outbox WHERE state = 'created'") == "98")
        await session.close()
    }

    @Test func aTriggerThatRefusesEverythingIsToldToTheCaller() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'never'; END $$;
            CREATE TRIGGER refuse BEFORE UPDATE ON market_chat.outbox FOR EACH ROW
            WHEN (OLD.context_id = 2) EXECUTE FUNCTION refuse();
            """)
        try await database.insert(1...3)
        let session = try await database.session()
        let outcomes = try await settleAll((1...3).map { result($0, .created(chatID: 5)) }, by: session)
        #expect(outcomes == [.written, .refused(error: "never (SQLSTATE P0001)"), .written])
        await session.close()
    }

    @Test func aTriggerThatFailsAtTheCommitIsFoundToo() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'late'; END $$;
            CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON market_chat.outbox DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.state = 'created' AND NEW.context_id = 2) EXECUTE FUNCTION refuse();
            """)
        try await database.insert(1...3)
        let session = try await database.session()
        let outcomes = try await settleAll((1...3).map { result($0, .created(chatID: 5)) }, by: session)
        #expect(outcomes == [.written, .refused(error: "late (SQLSTATE P0001)"), .written])
        #expect(try await row(2, in: database, "last_error") == "result not written: P0001 late")
        await session.close()
    }

    @Test func aRowThatSomebodyLocksHoldsBackNoOther() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...40)
        let session = try await database.session()
        let blocker = try await BlockingTransaction.begin(
            database, alsoRunning: "SELECT FROM market_chat.outbox WHERE context_id = 7 FOR UPDATE")
        let results = (1...40).map { result($0, .created(chatID: 5)) }
        let start = ContinuousClock.now
        let outcomes = try await session.settle(results, remembering: [])
        #expect(ContinuousClock.now - start < .seconds(1))
        for (index, outcome) in outcomes.enumerated() where index != 6 { #expect(outcome == .written) }
        guard case .refused(let text) = outcomes[6] else {
            Issue.record("\(outcomes[6])")
            return
        }
        #expect(text.hasSuffix("locked by another transaction"))
        let locked = "canceling statement due to lock timeout (SQLSTATE 55P03)"
        #expect(try await session.settleApart([results[6]]) == [.refused(error: locked)])
        await blocker.end()
        #expect(try await comesTrue { try await session.settleApart([results[6]]) == [.written] })
        await session.close()
    }

    /// A trigger that asks another server may fail with any code; the session lives on.
    @Test(arguments: ["08001", "57P01", "53100", "XX001", "40001"])
    func noCodeOfATriggersErrorEndsTheSession(code: String) async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE 'elsewhere' USING ERRCODE = '\(code)';
            END $$;
            CREATE TRIGGER refuse AFTER UPDATE ON market_chat.outbox FOR EACH ROW
            WHEN (NEW.state = 'created' AND NEW.context_id = 2) EXECUTE FUNCTION refuse();
            """)
        try await database.insert(1...3)
        let session = try await database.session()
        let outcomes = try await settleAll((1...3).map { result($0, .created(chatID: 5)) }, by: session)
        #expect(outcomes == [.written, .refused(error: "elsewhere (SQLSTATE \(code))"), .written])
        await session.close()
    }

    @Test func aTriggerThatHangsInTheCommitIsGivenUp() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                PERFORM pg_sleep(60);
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER hang AFTER UPDATE ON market_chat.outbox DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.state = 'created' AND NEW.context_id = 2) EXECUTE FUNCTION hang();
            """)
        try await database.insert(1...2)
        let session = try await database.session()
        let start = ContinuousClock.now
        let results = (1...2).map { result($0, .created(chatID: 5)) }
        #expect(try await !session.settle(results, remembering: []).contains(.written))
        #expect(ContinuousClock.now - start < .seconds(1))
        let outcomes = try await session.settleApart(results)
        #expect(outcomes[0] == .written)
        guard case .refused = outcomes[1] else {
            Issue.record("\(outcomes[1])")
            return
        }
        await session.close()
    }

    /// The usual slip: RETURN NULL in a BEFORE trigger, which makes PostgreSQL pass the row over in silence.
    @Test func aRowThatIsPassedOverInSilenceIsNotCalledSettled() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            CREATE FUNCTION slip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
            CREATE TRIGGER slip BEFORE UPDATE ON market_chat.outbox FOR EACH ROW
            WHEN (OLD.context_id = 2) EXECUTE FUNCTION slip();
            """)
        try await database.insert(1...3)
        let session = try await database.session()
        let changes: [RowResult.Change] = [.created(chatID: 5), .backoff(.seconds(1)), .rejected]
        let outcomes = try await session.settle(
            changes.enumerated().map { result(Int64($0) + 1, $1) }, remembering: [])
        #expect(outcomes[0] == .written && outcomes[2] == .written)
        guard case .refused(let text) = outcomes[1] else {
            Issue.record("\(outcomes[1])")
            return
        }
        #expect(text.contains("BEFORE trigger"))
        await session.close()
    }

    /// It is not waited for at first; then the row is found settled.
    @Test func aRowThatSomebodyElseIsSettlingIsNotCalledRefused() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...1)
        let session = try await database.session()
        async let other = database.sql(
            """
            BEGIN; UPDATE market_chat.outbox SET state = 'rejected', settled_at = now();
            SELECT pg_sleep(0.5); COMMIT;
            """)
        let isLocked =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        #expect(try await comesTrue { try await database.value(isLocked) == "1" })
        let chat = result(1, .created(chatID: 5))
        let first = try await session.settle([chat], remembering: [])
        if case .refused = first[0] {} else { Issue.record("\(first)") }
        _ = try await other
        #expect(try await session.settleApart([chat]) == [.notPending])
        #expect(try await session.settle([chat], remembering: []) == [.notPending])
        await session.close()
    }

    @Test func aBusinessThatSomebodyLocksDelaysNoResult() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...1)
        let session = try await database.session()
        let blocker = try await BlockingTransaction.begin(
            database, alsoRunning: "UPDATE market_chat.business SET paused = true")
        let record = BusinessRecord(businessID: 11, hold: .init(reason: "quota", endsIn: .seconds(9)))
        #expect(try await session.settle([result(1, .created(chatID: 5))], remembering: [record]) == [.written])
        #expect(try await database.value("SELECT hold_reason IS NULL FROM market_chat.business") == "t")
        await blocker.end()
        let isRemembered = try await comesTrue {
            _ = try await session.settle([], remembering: [record])
            return try await database.value("SELECT hold_reason FROM market_chat.business") == "quota"
        }
        #expect(isRemembered)
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
