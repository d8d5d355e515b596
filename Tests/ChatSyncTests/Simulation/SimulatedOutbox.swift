import ChatOutbox
import Synchronization

@testable import ChatSync

/// Which faults the database shows, and how often.
struct DatabaseFaults: Sendable {
    /// A call finds the connection broken.
    var lostBefore = 0.0
    /// A call is carried out, but its answer is lost with the connection.
    var lostAfter = 0.0
    /// A lost session lives on at the server, with its locks, until it was idle for too long.
    var zombie = 0.0
    /// A statement fails, and the session goes on.
    var failed = 0.0
    /// A transaction that writes takes up to two seconds.
    var slowWrite = 0.0
    /// No call returns, until its task is cancelled.
    var hangs = false
    /// Opening a session fails.
    var refusedSession = 0.0

    static let none = DatabaseFaults()
}

/// The database as one instance sees it. After ``crash()`` nothing that the instance does has any effect.
final class SimulatedOutbox: Outbox {
    let database: SimulatedDatabase
    let clock: SimulatedClock
    let random: SeededRandom
    let faults: Mutex<DatabaseFaults>
    /// For how long a session that is lost may be idle before the server ends it.
    let idleTimeout: Duration
    private let hasCrashed = Mutex(false)
    private let sessionIDs = Mutex<[Int]>([])
    /// Since when the instance knows that it does not own a business any more.
    let disowned = Mutex<[Int64: Duration]>([:])

    init(
        database: SimulatedDatabase, clock: SimulatedClock, random: SeededRandom, faults: DatabaseFaults,
        idleTimeout: Duration
    ) {
        self.database = database
        self.clock = clock
        self.random = random
        self.idleTimeout = idleTimeout
        self.faults = Mutex(faults)
    }

    /// kill -9: the server notices at once, since the sockets close.
    func crash() {
        hasCrashed.withLock { $0 = true }
        for id in sessionIDs.withLock({ $0 }) { database.endSession(id) }
    }

    var isDead: Bool { hasCrashed.withLock { $0 } }

    func openSession() async throws(OutboxError) -> any OutboxSession {
        await pause(.milliseconds(2)...(.milliseconds(20)))
        if isDead || random.chance(faults.withLock(\.refusedSession)) { throw .unavailable("refused") }
        let (id, signals) = database.openSession()
        sessionIDs.withLock { $0.append(id) }
        return SimulatedSession(id: id, signals: signals, outbox: self)
    }

    func waitForVacancy(
        among businessIDs: [Int64], atMost limit: Duration
    ) async throws(OutboxError) -> [StrangeOwner] {
        let end = clock.now.advanced(by: limit)
        while clock.now < end, !Task.isCancelled {
            if database.hasVacancy(among: businessIDs) { break }
            await pause(.milliseconds(4)...(.milliseconds(9)))
        }
        return []
    }

    func waitForProducers(of businessID: Int64, atMost limit: Duration) async throws(OutboxError) {
        let end = clock.now.advanced(by: limit)
        await pause(.microseconds(100)...(.milliseconds(2)))
        if random.chance(faults.withLock(\.failed)) { throw .failed("no lock") }
        let ended = WakeSignal()
        guard let wait = database.waitForProducers(businessID, end: { ended.signal() }) else { return }
        await withTaskGroup { group in
            group.addTask { await ended.wait() }
            group.addTask { try? await self.clock.sleep(until: end, tolerance: nil) }
            await group.next()
            group.cancelAll()
        }
        database.endWait(wait)
        // What the server granted takes its time to be heard of.
        await pause(.microseconds(50)...(.milliseconds(1)))
    }

    func pause(_ range: ClosedRange<Duration>) async {
        try? await clock.sleep(until: clock.now.advanced(by: random.duration(range)), tolerance: nil)
    }
}

final class SimulatedSession: OutboxSession {
    let place = "simulated@local/shop"
    let id: Int
    let signals: any AsyncSequence<OutboxSignal, Never> & Sendable
    private let outbox: SimulatedOutbox
    private let isLost = Mutex(false)
    private let owned = Mutex<[Int64]>([])
    /// Until when the connection is taken by what was called before.
    private let freeAt = Mutex(SimulatedClock.Instant(sinceStart: .zero))

    init(id: Int, signals: AsyncStream<OutboxSignal>, outbox: SimulatedOutbox) {
        self.id = id
        self.signals = signals
        self.outbox = outbox
    }

    /// One round trip: carried out at one moment, or not at all, or carried out with its answer lost. Round trips are
    /// carried out in the order of the calls.
    ///
    /// - Parameter time: how long it takes at the server, after which it is carried out.
    private func roundTrip<Value>(
        taking time: Duration = .zero, _ carryOut: (SimulatedDatabase) -> Value
    ) async throws(OutboxError) -> Value {
        try await queue(taking: time)
        try begin()
        let value = carryOut(outbox.database)
        try end()
        await outbox.pause(.microseconds(50)...(.milliseconds(1)))
        return value
    }

    private func queue(taking time: Duration) async throws(OutboxError) {
        let arrival = outbox.clock.now.advanced(by: outbox.random.duration(.microseconds(50)...(.milliseconds(2))))
        let turn = freeAt.withLock { freeAt in
            freeAt = max(arrival, freeAt.advanced(by: .microseconds(1))).advanced(by: time)
            return freeAt
        }
        try? await outbox.clock.sleep(until: turn, tolerance: nil)
        while outbox.faults.withLock({ $0.hangs }), !Task.isCancelled {
            await outbox.pause(.seconds(1)...(.seconds(1)))
        }
    }

    private func begin() throws(OutboxError) {
        let faults = outbox.faults.withLock { $0 }
        if faults.hangs { throw .unavailable("hangs") }
        if outbox.isDead || isLost.withLock({ $0 }) || !outbox.database.isAlive(id) { throw .unavailable("gone") }
        if outbox.random.chance(faults.lostBefore) { throw lose(faults) }
        outbox.database.state.withLock { $0.statements += 1 }
        try failByChance(faults)
    }

    private func failByChance(_ faults: DatabaseFaults) throws(OutboxError) {
        guard outbox.random.chance(faults.failed) else { return }
        outbox.database.count(.failedStatement)
        throw .failed("57014 canceling statement due to statement timeout")
    }

    private func end() throws(OutboxError) {
        let faults = outbox.faults.withLock { $0 }
        if outbox.random.chance(faults.lostAfter) { throw lose(faults) }
    }

    private func lose(_ faults: DatabaseFaults) -> OutboxError {
        isLost.withLock { $0 = true }
        let now = outbox.clock.now.sinceStart
        outbox.disowned.withLock { disowned in for id in owned.withLock({ $0 }) { disowned[id] = now } }
        if outbox.random.chance(faults.zombie) {
            outbox.database.disconnect(id, timeout: outbox.idleTimeout)
        } else {
            outbox.database.endSession(id)
        }
        return .unavailable("connection lost")
    }

    func claim(_ businessIDs: [Int64]) async throws(OutboxError) -> [BusinessRecord] {
        let records = try await roundTrip { $0.claim(businessIDs, session: id) }
        owned.withLock { $0 += records.map(\.businessID) }
        outbox.disowned.withLock { disowned in for record in records { disowned[record.businessID] = nil } }
        return records
    }

    func readDue(of businessID: Int64, _ read: DueRead) async throws(OutboxError) -> DueRows {
        try await roundTrip { $0.dueRows(of: businessID, read) }
    }

    func sampleDue(
        of businessID: Int64, contextType: String?, excluding excluded: [Int64], limit: Int
    ) async throws(OutboxError) -> [DueRow] {
        try await roundTrip {
            $0.sampleDue(of: businessID, contextType: contextType, excluding: excluded, limit: limit)
        }
    }

    /// The lock first, and then another statement that looks.
    func fallAsleep(_ businessID: Int64, _ read: DueRead) async throws(OutboxError) -> (rows: DueRows, sleep: Sleep) {
        try await queue(taking: .zero)
        try begin()
        let sleep = outbox.database.fallAsleep(businessID, session: id)
        await outbox.pause(.microseconds(50)...(.milliseconds(2)))
        try failByChance(outbox.faults.withLock { $0 })
        let rows = outbox.database.dueRows(of: businessID, read)
        try end()
        await outbox.pause(.microseconds(50)...(.milliseconds(1)))
        return (rows, sleep)
    }

    func wakeUp(_ businessID: Int64) async throws(OutboxError) {
        try await roundTrip { $0.wakeUp(businessID, session: id) }
    }

    func poll(_ businessIDs: [Int64]) async throws(OutboxError) -> [BusinessPoll] {
        try await roundTrip { $0.poll(businessIDs, session: id) }
    }

    func settle(
        _ results: [RowResult], remembering records: [BusinessRecord]
    ) async throws(OutboxError) -> [RowOutcome] {
        let askedAt = outbox.database.now
        let isSlow = outbox.random.chance(outbox.faults.withLock(\.slowWrite))
        let time = outbox.random.duration(.zero...(isSlow ? .seconds(2) : .milliseconds(1)))
        return try await roundTrip(taking: time) { database in
            database.remember(records, session: id, askedAt: askedAt, begunAt: database.now - time)
            return database.settle(results)
        }
    }

    /// On a connection of its own: the session's loss says nothing of it, and its loss says nothing of the session.
    func settleApart(_ results: [RowResult]) async throws(OutboxError) -> [RowOutcome] {
        var outcomes: [RowOutcome] = []
        for result in results {
            await outbox.pause(.milliseconds(1)...(.milliseconds(100)))
            let faults = outbox.faults.withLock { $0 }
            if outbox.random.chance(faults.slowWrite) { await outbox.pause(.zero...(.seconds(2))) }
            if outbox.isDead { throw .unavailable("gone") }
            if outbox.random.chance(faults.lostBefore + faults.failed) {
                throw .failed("the connection beside is lost")
            }
            outbox.database.state.withLock { $0.statements += 1 }
            outcomes.append(outbox.database.settleApart(result))
            if outbox.random.chance(faults.lostAfter) { throw .failed("the connection beside is lost") }
        }
        return outcomes
    }

    func close() async {
        // A closed connection frees its locks; one that was lost is the server's to clean up.
        if !isLost.withLock({ $0 }) { outbox.database.endSession(id) } else { outbox.database.disconnect(id) }
    }
}
