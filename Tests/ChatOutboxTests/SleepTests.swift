import ChatOutbox
import Harness
import TestSupport
import Testing

/// Two sessions whose businesses share a key for their sleep.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct SleepTests {
    private static let read = DueRead(limit: 10, repeatLimit: 0)

    /// A database, and a business that shares the key of business 11.
    private func sharing() async throws -> (TestDatabase, Int64) {
        let database = try await TestDatabase.make()
        let other = try await database.value(
            """
            SELECT n FROM generate_series(12, 100000) n WHERE market_chat.asleep_key(n) = market_chat.asleep_key(11)
            LIMIT 1
            """)
        return (database, try #require(Int64(other)))
    }

    /// Two sessions: the first sleeps, and the second is covered by it.
    private func covered() async throws -> (TestDatabase, any OutboxSession, any OutboxSession, Int64) {
        let (database, other) = try await sharing()
        let first = try await database.session(owning: [11])
        let second = try await database.session(owning: [other])
        #expect(try await first.fallAsleep(11, Self.read).sleep == .asleep)
        #expect(try await second.fallAsleep(other, Self.read).sleep == .covered)
        return (database, first, second, other)
    }

    @Test func whoSharesTheKeyOfASleeperIsToldOfItsProducers() async throws {
        let (database, first, second, other) = try await covered()
        #expect(try await second.fallAsleep(other, Self.read).sleep == .covered)
        var signals = second.signals.makeAsyncIterator()
        try await database.insert(1...1, business: other)
        #expect(try await signals.next() == .changed(businessID: other))
        #expect(try await second.poll([other]).first?.coverHasEnded == false)
        await first.close()
        await second.close()
    }

    /// The process of a session that was killed goes on waiting for producers, and its end tells nobody.
    @Test func whoOnlyWaitsForProducersIsNoCover() async throws {
        let database = try await TestDatabase.make()
        let producer = try await BlockingTransaction.begin(
            database, alsoRunning: "SELECT market_chat.enqueue(11, 'ORDER', 1)")
        let orphan = Task {
            try await database.sql("SELECT pg_advisory_xact_lock(market_chat.asleep_key(11))")
        }
        let isWaiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
        #expect(try await comesTrue { try await database.value(isWaiting) == "1" })
        let session = try await database.session(owning: [11])
        #expect(try await session.fallAsleep(11, Self.read).sleep == .producersAreOpen)
        await producer.end()
        _ = try await orphan.value
        #expect(try await comesTrue { try await session.fallAsleep(11, Self.read).sleep == .asleep })
        await session.close()
    }

    @Test func theEndOfACoverIsToldAndNoRowIsLost() async throws {
        let (database, first, second, other) = try await covered()
        var signals = second.signals.makeAsyncIterator()
        try await first.wakeUp(11)
        // Nobody notifies of this one.
        try await database.insert(1...1, business: other)
        #expect(try await signals.next() == .coverEnded(businessID: other))
        #expect(try await second.poll([other]).first?.coverHasEnded == true)
        let (rows, sleep) = try await second.fallAsleep(other, Self.read)
        #expect(sleep == .asleep && rows.fresh.map(\.contextID) == [1])
        try await database.insert(2...2, business: other)
        #expect(try await signals.next() == .changed(businessID: other))
        // Its interest is gone: the key's locks are those of one sleeper.
        #expect(try await first.fallAsleep(11, Self.read).sleep == .covered)
        try await second.wakeUp(other)
        #expect(try await second.poll([other]).first?.coverHasEnded == false)
        #expect(try await first.fallAsleep(11, Self.read).sleep == .asleep)
        #expect(try await database.value(Self.locks) == "1")
        try await first.wakeUp(11)
        #expect(try await database.value(Self.locks) == "0")
        await first.close()
        await second.close()
    }

    /// Of the kinds that a sleep takes: no owner's, and no session's.
    private static let locks = """
        SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
        WHERE l.locktype = 'advisory' AND (l.classid::bigint << 32) | l.objid::bigint IN (
            market_chat.asleep_key(11), hashint8extended(market_chat.asleep_key(11), 7020250904))
        """

    @Test func aCoveredBusinessThatWakesUpLosesItsInterest() async throws {
        let (database, first, second, other) = try await covered()
        #expect(try await database.value(Self.locks) == "2")
        try await second.wakeUp(other)
        #expect(try await database.value(Self.locks) == "1")
        try await first.wakeUp(11)
        #expect(try await database.value(Self.locks) == "0")
        await first.close()
        await second.close()
    }

    @Test func theDeathOfTheSleeperIsSeenByThePoll() async throws {
        let (database, first, second, other) = try await covered()
        let sleeper = """
            SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l
            WHERE l.locktype = 'advisory' AND l.granted
                AND (l.classid::bigint << 32) | l.objid::bigint = market_chat.owner_key(11)
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        #expect(try await database.value(sleeper) == "1")
        #expect(try await comesTrue { try await second.poll([other]).first?.coverHasEnded == true })
        #expect(try await second.fallAsleep(other, Self.read).sleep == .asleep)
        await first.close()
        await second.close()
    }

    @Test func aSleeperThatLeavesTellsWhomItCovered() async throws {
        let (_, first, second, other) = try await covered()
        var signals = second.signals.makeAsyncIterator()
        await first.close()
        #expect(try await signals.next() == .coverEnded(businessID: other))
        #expect(try await second.fallAsleep(other, Self.read).sleep == .asleep)
        await second.close()
    }

    /// Several wait for producers on one key; none of them is another's cover.
    @Test func whoWaitsForProducersCoversNobody() async throws {
        let (database, other) = try await sharing()
        let outbox = database.outbox()
        let session = try await database.session(owning: [other])
        let producer = try await BlockingTransaction.begin(
            database, alsoRunning: "SELECT market_chat.enqueue(11, 'ORDER', 1)")
        #expect(try await session.fallAsleep(other, Self.read).sleep == .producersAreOpen)
        async let wait: Void = outbox.waitForProducers(of: 11, atMost: .seconds(20))
        let isWaiting =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
        #expect(try await comesTrue { try await database.value(isWaiting) == "1" })
        #expect(try await session.fallAsleep(other, Self.read).sleep == .producersAreOpen)
        async let second: Void = outbox.waitForProducers(of: other, atMost: .seconds(20))
        #expect(try await comesTrue { try await database.value(isWaiting) == "2" })
        await producer.end()
        try await wait
        try await second
        #expect(try await session.fallAsleep(other, Self.read).sleep == .asleep)
        await session.close()
        await outbox.close()
    }

    @Test func twoBusinessesOfOneSessionSleepOnOneKey() async throws {
        let (database, other) = try await sharing()
        let session = try await database.session(owning: [11, other])
        var signals = session.signals.makeAsyncIterator()
        #expect(try await session.fallAsleep(11, Self.read).sleep == .asleep)
        #expect(try await session.fallAsleep(other, Self.read).sleep == .asleep)
        try await session.wakeUp(11)
        try await database.insert(1...1, business: other)
        #expect(try await signals.next() == .changed(businessID: other))
        try await session.wakeUp(other)
        #expect(try await database.value(Self.locks) == "0")
        await session.close()
    }

    /// Both fall asleep and wake up at once, over and over, while rows come: each row is seen, by a look or by a signal.
    @Test func noRowIsLostWhateverTheOrder() async throws {
        let (database, other) = try await sharing()
        let first = try await database.session(owning: [11])
        let second = try await database.session(owning: [other])
        let turns = Task {
            do {
                while !Task.isCancelled {
                    _ = try await first.fallAsleep(11, Self.read)
                    try await first.wakeUp(11)
                }
            } catch {
                // To be cancelled in the middle of a statement is no failure.
                if !Task.isCancelled { throw error }
            }
        }
        var signals = second.signals.makeAsyncIterator()
        for number in 1...40 {
            var sleep = try await second.fallAsleep(other, Self.read).sleep
            async let producer: Void = database.insert(number...number, business: other)
            // As the engine does: it looks when it is told to, and asks again for as long as nobody covers it.
            while true {
                let (rows, now) = try await second.fallAsleep(other, DueRead(limit: 1000, repeatLimit: 0))
                sleep = now
                if rows.fresh.contains(where: { $0.contextID == Int64(number) }) { break }
                if sleep != .producersAreOpen { _ = try await signals.next() }
            }
            try await producer
            try await second.wakeUp(other)
        }
        turns.cancel()
        try await turns.value
        await first.close()
        await second.close()
    }
}
