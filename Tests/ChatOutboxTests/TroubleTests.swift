import ChatOutbox
import Harness
import TestSupport
import Testing

/// One business's trouble is its own: locks, and triggers that fail or are slow.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct TroubleTests {
    /// Results of row 1 of each of these businesses.
    private func results(_ businesses: ClosedRange<Int64>, in database: TestDatabase) async throws -> [RowResult] {
        for business in businesses { try await database.insert(1...1, business: business) }
        let ids = try await database.sql("SELECT id FROM market_chat.outbox ORDER BY business_id")
            .split(separator: "\n")
        return zip(businesses, ids).compactMap { business, id in
            Int64(id).map { RowResult(rowID: $0, businessID: business, attempts: 0, change: .created(chatID: 5)) }
        }
    }

    private func hang(_ condition: String, seconds: Double, in database: TestDatabase) async throws {
        try await database.sql(
            """
            CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                PERFORM pg_sleep(\(seconds));
                RETURN NULL;
            END $$;
            CREATE TRIGGER hang AFTER UPDATE ON market_chat.outbox FOR EACH ROW
            WHEN (NEW.state = 'created' AND \(condition)) EXECUTE FUNCTION hang();
            """)
    }

    @Test func whatATriggerAdvisesReachesTheOperator() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE 'no such order' USING DETAIL = repeat('d', 2000), HINT = 'import the order first';
            END $$;
            CREATE TRIGGER refuse AFTER UPDATE ON market_chat.outbox FOR EACH ROW
            WHEN (NEW.state = 'created') EXECUTE FUNCTION refuse();
            """)
        let results = try await results(11...11, in: database)
        let session = try await database.session()
        let told = "no such order (SQLSTATE P0001); hint: import the order first"
        #expect(try await session.settle(results, remembering: []) == [.refused(error: told)])
        #expect(try await session.settleApart(results) == [.refused(error: told)])
        let noted = try await database.value("SELECT last_error FROM market_chat.outbox")
        #expect(noted.hasPrefix("result not written: P0001 no such order (ddd"))
        #expect(noted.hasSuffix("...; hint: import the order first"))
        let message = "SELECT length(message), message LIKE '%; hint: import the order first' FROM market_chat.attempt"
        #expect(try await database.value(message) == "1000|t")
        await session.close()
    }

    @Test func aTableThatSomebodyLocksEndsNoSession() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...1)
        let session = try await database.session()
        let read = DueRead(limit: 1, repeatLimit: 1)
        let blocker = try await BlockingTransaction.begin(
            database, alsoRunning: "LOCK TABLE market_chat.outbox IN ACCESS EXCLUSIVE MODE")
        let errors = [
            await failure { () async throws(OutboxError) in try await session.readDue(of: 11, read) },
            await failure { () async throws(OutboxError) in try await session.poll([11]) },
            await failure { () async throws(OutboxError) in
                try await session.sampleDue(of: 11, contextType: nil, excluding: [], limit: 1)
            },
            await failure { () async throws(OutboxError) in try await session.fallAsleep(11, read) },
        ]
        for error in errors {
            guard case .failed(let text) = error else {
                Issue.record("\(error as Any)")
                continue
            }
            #expect(text.contains("55P03"))
        }
        await blocker.end()
        #expect(try await session.readDue(of: 11, read).fresh.count == 1)
        let other = try await database.outbox().openSession()
        #expect(try await other.claim([11]).isEmpty)
        // It fell asleep all the same, and knows it.
        try await session.wakeUp(11)
        #expect(try await other.fallAsleep(11, read).sleep == .asleep)
        await other.close()
        await session.close()
    }

    @Test func aClaimThatFailsOwnsNothing() async throws {
        let database = try await TestDatabase.make()
        let blocker = try await BlockingTransaction.begin(
            database, alsoRunning: "LOCK TABLE market_chat.business IN ACCESS EXCLUSIVE MODE")
        let session = try await database.outbox().openSession()
        let error = await failure { () async throws(OutboxError) in try await session.claim([11]) }
        if case .failed = error {} else { Issue.record("\(error as Any)") }
        await blocker.end()
        let other = try await database.session(owning: [11])
        #expect(try await session.claim([11]).isEmpty)
        await other.close()
        await session.close()
    }

    @Test func aSlowTriggerDelaysNoOtherBusiness() async throws {
        let database = try await TestDatabase.make()
        try await hang("NEW.business_id = 15", seconds: 4, in: database)
        let results = try await results(11...30, in: database)
        let session = try await database.session()
        let record = BusinessRecord(businessID: 11, hold: .init(reason: "quota", endsIn: .seconds(9)))
        let start = ContinuousClock.now
        let outcomes = try await session.settle(results, remembering: [record])
        #expect(ContinuousClock.now - start < .seconds(1))
        /// Of the business whose trigger hangs: that it was cancelled, unless others had taken too long before it.
        func isCancelled(_ outcomes: [RowOutcome]) -> Bool {
            if case .refused(let text) = outcomes[4] { text.contains("57014") } else { false }
        }
        var isKnown = isCancelled(outcomes)
        if case .refused = outcomes[4] {} else { Issue.record("\(outcomes[4])") }
        #expect(try await database.value("SELECT hold_reason FROM market_chat.business") == "quota")
        // Where the machine is slow, some were not tried. Now the culprit is known.
        let written = "SELECT count(*) FROM market_chat.outbox WHERE state = 'created'"
        let areWritten = try await comesTrue {
            let outcomes = try await session.settle(results, remembering: [])
            isKnown = isKnown || isCancelled(outcomes)
            let areAll = try await database.value(written) == "19"
            return isKnown && areAll
        }
        #expect(areWritten)
        await session.close()
    }

    @Test func manyCulpritsAreGivenBackAndNotLost() async throws {
        let database = try await TestDatabase.make()
        try await hang("NEW.business_id <= 50", seconds: 4, in: database)
        let results = try await results(11...60, in: database)
        let session = try await database.session()
        let start = ContinuousClock.now
        _ = try await session.settle(results, remembering: [])
        let outcomes = try await session.settle(results, remembering: [])
        #expect(ContinuousClock.now - start < .seconds(2))
        #expect(outcomes.count == 50)
        #expect(outcomes.allSatisfy { if case .refused = $0 { true } else { $0 == .written || $0 == .notPending } })
        try await database.sql("DROP TRIGGER hang ON market_chat.outbox")
        #expect(try await comesTrue { try await !session.settle(results, remembering: []).contains(.written) })
        #expect(try await database.value("SELECT count(*) FROM market_chat.outbox WHERE state = 'created'") == "50")
        await session.close()
    }

    @Test func apartNoBusinessWaitsForAnother() async throws {
        let database = try await TestDatabase.make()
        try await hang("NEW.business_id = 11", seconds: 2, in: database)
        let results = try await results(11...13, in: database)
        let session = try await database.session()
        async let outcomes = session.settleApart(results)
        let isHanging = try await comesTrue {
            try await database.value(
                """
                SELECT count(*) FILTER (WHERE state = 'created') = 2
                    AND EXISTS (
                        SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())
                FROM market_chat.outbox
                """) == "t"
        }
        #expect(isHanging, "the others waited for it")
        #expect(try await outcomes == [.written, .written, .written])
        await session.close()
    }

    /// A server that takes nothing at all may have a full disk: then nothing is known of the row.
    @Test func theServersOwnTroubleIsNotTheRows() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE 'no space left on device' USING ERRCODE = '53100';
            END $$;
            CREATE TRIGGER refuse BEFORE UPDATE ON market_chat.outbox FOR EACH ROW EXECUTE FUNCTION refuse();
            """)
        let results = try await results(11...12, in: database)
        let session = try await database.session()
        let error = await failure { () async throws(OutboxError) in try await session.settleApart(results) }
        #expect(error == .failed("no space left on device (SQLSTATE 53100)"))
        try await database.sql("DROP TRIGGER refuse ON market_chat.outbox")
        #expect(try await session.settleApart(results) == [.written, .written])
        await session.close()
    }
}
