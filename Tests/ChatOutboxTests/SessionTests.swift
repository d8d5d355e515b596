import ChatOutbox
import Harness
import PrivatePostgres
import TestSupport
import Testing

/// Ownership, due rows, sleep and wake-up, on a real server.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct SessionTests {
    // MARK: Ownership

    @Test func aBusinessHasOneOwnerAtATime() async throws {
        let database = try await TestDatabase.make()
        let owner = try await database.session(owning: [11, 22])
        let other = try await database.outbox().openSession()
        // It is new, so its record has no age.
        #expect(try await other.claim([11, 22, 33]) == [BusinessRecord(businessID: 33)])
        await owner.close()
        #expect(try await comesTrue { try await !other.claim([11]).isEmpty })
        await other.close()
    }

    /// Those that somebody serves, here or elsewhere, do not use up the places of those that nobody does.
    @Test func rowsThatNobodyServesAreFoundBehindThoseThatOthersDo() async throws {
        let database = try await TestDatabase.make()
        for business in [11, 22, 33, 44, 55] { try await database.insert(1...3, business: Int64(business)) }
        let elsewhere = try await database.session(owning: [22, 33])
        let outbox = database.outbox()
        let first = try await outbox.unlistedBusinesses(besides: [11], atMost: 1)
        #expect(first == [UnlistedBusiness(businessID: 44, rows: 3)])
        func unlisted() async throws -> [Int64] {
            try await outbox.unlistedBusinesses(besides: [11]).map(\.businessID)
        }
        #expect(try await unlisted() == [44, 55])
        await elsewhere.close()
        #expect(try await comesTrue { try await unlisted() == [22, 33, 44, 55] })
        await outbox.close()
    }

    @Test func whoWaitsForAVacancyIsWokenByTheOwnersEnd() async throws {
        let database = try await TestDatabase.make()
        let owner = try await database.session(owning: [11])
        let outbox = database.outbox()
        let pid = try await database.value(
            """
            SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database()
            WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' LIMIT 1;
            """)
        let start = ContinuousClock.now
        async let wait = outbox.waitForVacancy(among: [11], atMost: .seconds(20))
        let isWaiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
        #expect(try await comesTrue { try await database.value(isWaiting) == "1" })
        try await database.sql("SELECT pg_terminate_backend(\(pid))")
        #expect(try await wait.isEmpty, "it was one of ours")
        #expect(ContinuousClock.now - start < .seconds(15))
        let next = try await outbox.openSession()
        #expect(try await comesTrue { try await !next.claim([11]).isEmpty })
        await next.close()
        await owner.close()
        await outbox.close()
    }

    @Test func aVacancyIsNotWaitedForWhereItIsThere() async throws {
        let database = try await TestDatabase.make()
        let owner = try await database.session(owning: [11])
        let outbox = database.outbox()
        let start = ContinuousClock.now
        _ = try await outbox.waitForVacancy(among: [11, 22], atMost: .seconds(20))
        #expect(ContinuousClock.now - start < .seconds(15))
        // And no wait is longer than it may be.
        _ = try await outbox.waitForVacancy(among: [11], atMost: .milliseconds(50))
        #expect(ContinuousClock.now - start < .seconds(15))
        await owner.close()
        await outbox.close()
    }

    /// A standby's waits end with each poll, day and night.
    @Test func waitsThatEndLeaveNothingInTheServersLog() async throws {
        let database = try await TestDatabase.make()
        let owner = try await database.session(owning: [11])
        let producer = try await BlockingTransaction.begin(
            database, alsoRunning: "SELECT market_chat.enqueue(11, 'ORDER', 1)")
        let outbox = database.outbox()
        _ = try await outbox.waitForVacancy(among: [11], atMost: .milliseconds(50))
        try await outbox.waitForProducers(of: 11, atMost: .milliseconds(50))
        // And where the program ends.
        let vacancy = Task { try await outbox.waitForVacancy(among: [11], atMost: .seconds(20)) }
        let producers = Task { try await outbox.waitForProducers(of: 11, atMost: .seconds(20)) }
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
        #expect(try await comesTrue { try await database.value(waiting) == "2" })
        vacancy.cancel()
        producers.cancel()
        #expect(try await comesTrue { try await database.value(waiting) == "0" })
        let lines = try await database.value(
            """
            SELECT line FROM regexp_split_to_table(pg_read_file('\(database.cluster.logFile)'), E'\\n') AS line
            JOIN pg_stat_activity AS a ON a.datname = current_database() AND strpos(line, '[' || a.pid || ']') > 0
            """)
        #expect(lines.isEmpty, "\(lines)")
        await producer.end()
        await owner.close()
        await outbox.close()
    }

    @Test func anOwnerLeavesItsKnowledgeToTheNext() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session(owning: [11])
        var record = BusinessRecord(businessID: 11)
        record.hold = BusinessRecord.Hold(reason: "quota: 420", endsIn: .seconds(100))
        record.quota = BusinessRecord.Quota(limit: 1000, remaining: 7, resetsIn: .seconds(200))
        _ = try await session.settle([], remembering: [record])
        await session.close()
        let next = try await database.outbox().openSession()
        var found: [BusinessRecord] = []
        #expect(
            try await comesTrue {
                found = try await next.claim([11])
                return !found.isEmpty
            })
        #expect(found[0].age.map { $0 >= .zero && $0 < .seconds(60) } == true)
        #expect(found[0].hold?.reason == "quota: 420")
        #expect(found[0].hold.map { $0.endsIn > .seconds(80) && $0.endsIn <= .seconds(100) } == true)
        #expect(found[0].quota?.limit == 1000 && found[0].quota?.remaining == 7)
        #expect(found[0].quota.map { $0.resetsIn > .seconds(180) && $0.resetsIn <= .seconds(200) } == true)
        await next.close()
    }

    // MARK: Due rows

    @Test func dueRowsComeInTheirOrder() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session()
        try await database.sql(
            """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, priority, due_at) VALUES
                (11, 'ORDER', 1, 0, now() - interval '1 minute'), (11, 'ORDER', 2, 0, now() - interval '2 minutes'),
                (11, 'RETURN', 3, 5, now() - interval '1 second'), (11, 'ORDER', 4, -5, '-infinity'),
                (11, 'ORDER', 5, 5, now() + interval '30 seconds'), (11, 'ORDER', 6, 9, 'infinity'),
                (22, 'ORDER', 7, 9, now());
            """)
        let due = try await session.readDue(of: 11, DueRead(limit: 10, repeatLimit: 10))
        #expect(due.fresh.map(\.contextID) == [3, 2, 1, 4])
        #expect(due.fresh.map(\.contextType) == ["RETURN", "ORDER", "ORDER", "ORDER"])
        #expect(due.nextDueIn.map { $0 > .seconds(10) && $0 <= .seconds(30) } == true)
        #expect(!due.isPaused)
        #expect(try await session.readDue(of: 11, DueRead(limit: 2, repeatLimit: 10)).fresh.map(\.contextID) == [3, 2])
        let poll = try #require(try await session.poll([11]).first)
        #expect(poll.due == 4 && !poll.dueIsAtLeast)
        #expect(poll.oldestDueFor.map { $0 > .seconds(3600) } == true)
        #expect(try await session.poll([33]) == [BusinessPoll(businessID: 33, due: 0)])
        #expect(try await session.readDue(of: 33, DueRead(limit: 2, repeatLimit: 10)) == DueRows(fresh: []))
        await session.close()
    }

    @Test func aWatermarkSkipsWhatWasSeenWithinItsPriorityOnly() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session()
        try await database.insert(1...3, priority: 0)
        try await database.insert(4...6, priority: 1)
        let all = try await session.readDue(of: 11, DueRead(limit: 10, repeatLimit: 10)).fresh
        #expect(all.map(\.contextID) == [4, 5, 6, 1, 2, 3])
        let last = try #require(all.last)
        let mark = Watermark(priority: 0, dueAtMicroseconds: last.dueAtMicroseconds + 1)
        let rest = try await session.readDue(of: 11, DueRead(limit: 10, repeatLimit: 10, watermark: mark)).fresh
        #expect(rest.map(\.contextID) == [4, 5, 6])
        let infinite = Watermark(priority: 0, dueAtMicroseconds: .min)
        #expect(
            try await session.readDue(of: 11, DueRead(limit: 10, repeatLimit: 10, watermark: infinite)).fresh.count == 6
        )
        await session.close()
    }

    @Test func aPauseIsSeenAndToldAtOnce() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session()
        var signals = session.signals.makeAsyncIterator()
        try await database.sql("UPDATE market_chat.business SET paused = true WHERE business_id = 11")
        #expect(try await signals.next() == .changed(businessID: 11))
        #expect(try await session.readDue(of: 11, DueRead(limit: 1, repeatLimit: 10)).isPaused)
        #expect(try await session.poll([11]).first?.isPaused == true)
        await session.close()
    }

    // MARK: Ends

    @Test func aServerThatGoesIsUnavailableAndComesBack() async throws {
        let cluster = try await PrivatePostgres.start()
        let connectionString = try await cluster.createDatabase()
        _ = try await SchemaMigrator(connectionString: connectionString).migrate()
        let outbox = PostgresOutbox(.init(connectionString: connectionString, pollInterval: .seconds(1)))
        let session = try await outbox.openSession()
        _ = try await session.claim([11])
        try await cluster.kill9()
        let lost = await failure { () async throws(OutboxError) in try await session.poll([11]) }
        let refused = await failure { () async throws(OutboxError) in try await outbox.openSession() }
        for error in [lost, refused] {
            if case .unavailable = error {} else { Issue.record("\(String(describing: error))") }
        }
        await session.close()
        try await cluster.start()
        let next = try await outbox.openSession()
        #expect(try await next.claim([11]).count == 1)
        await next.close()
        await outbox.close()
        await cluster.stopAndRemove()
    }

    @Test func aReadOnlyServerIsWaitedFor() async throws {
        let database = try await TestDatabase.make()
        try await database.sql("ALTER DATABASE \(database.name) SET default_transaction_read_only = on")
        let error = await failure { () async throws(OutboxError) in try await database.outbox().openSession() }
        if case .unavailable = error {} else { Issue.record("\(String(describing: error))") }
    }

    @Test func aWrongNameIsNotWaitedFor() async throws {
        let cluster = try await PrivatePostgres.shared()
        for connectionString in [
            cluster.connectionString(database: "no_such_database"), cluster.connectionString(user: "no_such_role"),
            "host='/never closed",
        ] {
            let outbox = PostgresOutbox(.init(connectionString: connectionString, pollInterval: .seconds(1)))
            let error = await failure { () async throws(OutboxError) in try await outbox.openSession() }
            #expect(error?.text.contains("DATABASE_URL") == true, "\(String(describing: error))")
        }
    }
}
