import ChatOutbox
import Harness
import LibPQ
import PrivatePostgres
import TestSupport
import Testing

// What a user's trigger, and a user's lock, can do to a settlement.
extension SettlementTests {
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
}
