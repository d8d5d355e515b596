import ChatOutbox
import Harness
import PrivatePostgres
import TestSupport
import Testing

// Who falls asleep, and what wakes it.
extension SessionTests {
    @Test func producersNotifyOnlyWhileTheOwnerSleeps() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session()
        var signals = session.signals.makeAsyncIterator()
        try await database.insert(1...2)
        var (found, sleep) = try await session.fallAsleep(11, DueRead(limit: 10, repeatLimit: 10))
        #expect(found.fresh.count == 2 && sleep == .asleep)
        // Twice asleep is awake after one call.
        (found, sleep) = try await session.fallAsleep(11, DueRead(limit: 10, repeatLimit: 10))
        #expect(sleep == .asleep)
        try await session.wakeUp(11)
        try await database.insert(3...4)
        (_, sleep) = try await session.fallAsleep(11, DueRead(limit: 10, repeatLimit: 10))
        #expect(sleep == .asleep)
        try await database.insert(5...6, business: 22)
        try await database.insert(7...8)
        // The first signal is of the rows that came while it slept: those before were silent.
        #expect(try await signals.next() == .changed(businessID: 11))
        #expect(
            try await session.readDue(of: 11, DueRead(limit: 10, repeatLimit: 10)).fresh.map(\.contextID) == [
                1, 2, 3, 4, 7, 8,
            ])
        await session.close()
        #expect(try await signals.next() == nil)
    }

    @Test func nobodyFallsAsleepOverAnOpenTransaction() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session()
        let outbox = database.outbox()
        // The producer holds its transaction open until this table's lock is free.
        let blocker = try await BlockingTransaction.begin(database)
        async let producer = database.sql(
            """
            BEGIN;
            INSERT INTO market_chat.outbox (business_id, context_type, context_id) VALUES (11, 'ORDER', 1);
            LOCK blocker;
            COMMIT;
            """)
        let isOpen = "SELECT count(*) FROM pg_locks WHERE relation = 'blocker'::regclass AND NOT granted"
        #expect(try await comesTrue { try await database.value(isOpen) == "1" })
        let first = try await session.fallAsleep(11, DueRead(limit: 10, repeatLimit: 10))
        #expect(first.rows.fresh.isEmpty && first.sleep == .producersAreOpen)
        async let wait: Void = outbox.waitForProducers(of: 11, atMost: .seconds(20))
        let isWaiting =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
        #expect(try await comesTrue { try await database.value(isWaiting) == "1" })
        // Meanwhile new producers notify.
        var signals = session.signals.makeAsyncIterator()
        try await database.insert(2...2)
        #expect(try await signals.next() == .changed(businessID: 11))
        await blocker.end()
        _ = try await producer
        try await wait
        let second = try await session.fallAsleep(11, DueRead(limit: 10, repeatLimit: 10))
        #expect(second.rows.fresh.map(\.contextID).sorted() == [1, 2])
        #expect(second.sleep == .asleep)
        await session.close()
        await outbox.close()
    }

    /// More of them than there are connections wait for their turn, and for no longer than they were told.
    @Test func manyWaitsForProducersShareFewConnections() async throws {
        let database = try await TestDatabase.make()
        let blocker = try await BlockingTransaction.begin(
            database,
            alsoRunning: "SELECT market_chat.enqueue(n, 'ORDER', 1) FROM generate_series(1, 20) n")
        let outbox = database.outbox()
        try await withThrowingTaskGroup { group in
            for business in 1...20 {
                group.addTask {
                    let start = ContinuousClock.now
                    try await outbox.waitForProducers(of: Int64(business), atMost: .milliseconds(300))
                    #expect(ContinuousClock.now - start > .milliseconds(250), "it came back at once")
                }
            }
            try await group.waitForAll()
        }
        // A wait that is cancelled ends, and others get their turn.
        let waits = (1...20).map { business in
            Task { try await outbox.waitForProducers(of: Int64(business), atMost: .seconds(60)) }
        }
        _ = try await outbox.waitForVacancy(among: [11], atMost: .seconds(60))
        for wait in waits { wait.cancel() }
        for wait in waits { _ = await wait.result }
        await blocker.end()
        await outbox.close()
    }

    @Test func aProducerCanKeepItsTransactionFromNotifying() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session(owning: [11, 22])
        var signals = session.signals.makeAsyncIterator()
        _ = try await session.fallAsleep(11, DueRead(limit: 1, repeatLimit: 10))
        _ = try await session.fallAsleep(22, DueRead(limit: 1, repeatLimit: 10))
        try await database.sql("SET market_chat.notify = off; SELECT market_chat.enqueue(11, 'ORDER', 1)")
        try await database.sql("SELECT market_chat.enqueue(22, 'ORDER', 1)")
        #expect(try await signals.next() == .changed(businessID: 22))
        await session.close()
    }

    @Test func aRowThatAPersonMakesDueAgainWakesTheOwner() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session()
        var signals = session.signals.makeAsyncIterator()
        try await database.sql(
            """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, due_at)
            VALUES (11, 'ORDER', 1, now() + interval '1 hour');
            UPDATE market_chat.outbox SET due_at = due_at + interval '1 hour';
            UPDATE market_chat.outbox SET due_at = now();
            """)
        #expect(try await signals.next() == .changed(businessID: 11))
        await session.close()
    }
}
