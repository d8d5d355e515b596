import ChatOutbox
import Synchronization

/// Which faults the database shows, and how often.
struct DatabaseFaults: Sendable {
    /// A call finds the connection broken.
    var lostBefore = 0.0
    /// A call is carried out, but its answer is lost with the connection.
    var lostAfter = 0.0
    /// A lost session lives on at the server for a while, with its locks.
    var zombie = 0.0
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
    private let hasCrashed = Mutex(false)
    private let sessionIDs = Mutex<[Int]>([])

    init(database: SimulatedDatabase, clock: SimulatedClock, random: SeededRandom, faults: DatabaseFaults) {
        self.database = database
        self.clock = clock
        self.random = random
        self.faults = Mutex(faults)
    }

    /// kill -9: the server notices at once, since the sockets close.
    func crash() {
        hasCrashed.withLock { $0 = true }
        for id in sessionIDs.withLock({ $0 }) { database.endSession(id) }
    }

    /// The server notices that sessions which were lost are gone.
    func endZombies() {
        for id in sessionIDs.withLock({ $0 }) where lostSessions.withLock({ $0.contains(id) }) {
            database.endSession(id)
        }
    }

    let lostSessions = Mutex<Set<Int>>([])
    /// Since when the instance knows that it does not own a business any more.
    let disowned = Mutex<[Int64: Duration]>([:])

    var isDead: Bool { hasCrashed.withLock { $0 } }

    func openSession() async throws(OutboxError) -> any OutboxSession {
        await pause(.milliseconds(2)...(.milliseconds(20)))
        if isDead || random.chance(faults.withLock(\.refusedSession)) { throw .unavailable("refused") }
        let (id, signals) = database.openSession()
        sessionIDs.withLock { $0.append(id) }
        return SimulatedSession(id: id, signals: signals, outbox: self)
    }

    func waitForVacancy(among businessIDs: [Int64], atMost limit: Duration) async throws(OutboxError) {
        let end = clock.now.advanced(by: limit)
        while clock.now < end, !Task.isCancelled {
            if database.state.withLock({ state in businessIDs.contains { state.owners[$0] == nil } }) { return }
            await pause(.milliseconds(4)...(.milliseconds(9)))
        }
    }

    func waitForProducers(of businessID: Int64, atMost limit: Duration) async throws(OutboxError) {
        let end = clock.now.advanced(by: limit)
        await pause(.microseconds(100)...(.milliseconds(2)))
        database.state.withLock { $0.queuedForProducers[businessID, default: 0] += 1 }
        while clock.now < end, !Task.isCancelled, database.hasSilentProducers(businessID) {
            await pause(.microseconds(100)...(.milliseconds(1)))
        }
        database.state.withLock { $0.queuedForProducers[businessID, default: 0] -= 1 }
    }

    func pause(_ range: ClosedRange<Duration>) async {
        try? await clock.sleep(until: clock.now.advanced(by: random.duration(range)), tolerance: nil)
    }
}

final class SimulatedSession: OutboxSession {
    let id: Int
    let signals: any AsyncSequence<OutboxSignal, Never> & Sendable
    private let outbox: SimulatedOutbox
    private let isLost = Mutex(false)
    private let owned = Mutex<[Int64]>([])

    init(id: Int, signals: AsyncStream<OutboxSignal>, outbox: SimulatedOutbox) {
        self.id = id
        self.signals = signals
        self.outbox = outbox
    }

    /// One round trip: carried out at one moment, or not at all, or carried out with its answer lost.
    private func roundTrip<Value>(_ carryOut: (SimulatedDatabase) -> Value) async throws(OutboxError) -> Value {
        await outbox.pause(.microseconds(50)...(.milliseconds(2)))
        while outbox.faults.withLock({ $0.hangs }), !Task.isCancelled {
            await outbox.pause(.seconds(1)...(.seconds(1)))
        }
        let faults = outbox.faults.withLock { $0 }
        if faults.hangs { throw .unavailable("hangs") }
        if outbox.isDead || isLost.withLock({ $0 }) || !outbox.database.isAlive(id) { throw .unavailable("gone") }
        if outbox.random.chance(faults.lostBefore) { throw lose(faults) }
        outbox.database.state.withLock { $0.statements += 1 }
        let value = carryOut(outbox.database)
        if outbox.random.chance(faults.lostAfter) { throw lose(faults) }
        await outbox.pause(.microseconds(50)...(.milliseconds(1)))
        return value
    }

    private func lose(_ faults: DatabaseFaults) -> OutboxError {
        isLost.withLock { $0 = true }
        outbox.lostSessions.withLock { _ = $0.insert(id) }
        let now = outbox.clock.now.sinceStart
        outbox.disowned.withLock { disowned in for id in owned.withLock({ $0 }) { disowned[id] = now } }
        if outbox.random.chance(faults.zombie) {
            outbox.database.disconnect(id)
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

    func readDue(of businessID: Int64, limit: Int, after watermark: Watermark?) async throws(OutboxError) -> DueRows {
        try await roundTrip { $0.dueRows(of: businessID, limit: limit, after: watermark) }
    }

    func fallAsleep(_ businessID: Int64, limit: Int) async throws(OutboxError) -> (rows: DueRows, isAsleep: Bool) {
        let (rows, isAsleep) = try await roundTrip { $0.fallAsleep(businessID, session: id, limit: limit) }
        return (rows, isAsleep)
    }

    func wakeUp(_ businessID: Int64) async throws(OutboxError) {
        try await roundTrip { $0.wakeUp(businessID, session: id) }
    }

    func poll(_ businessIDs: [Int64]) async throws(OutboxError) -> [BusinessPoll] {
        try await roundTrip { $0.poll(businessIDs) }
    }

    func settle(
        _ results: [RowResult], remembering records: [BusinessRecord]
    ) async throws(OutboxError) -> [RowOutcome] {
        try await roundTrip { database in
            database.remember(records, session: id)
            return results.map { database.settle($0) }
        }
    }

    func close() async {
        // A closed connection frees its locks; one that was lost is the server's to clean up.
        if !isLost.withLock({ $0 }) { outbox.database.endSession(id) } else { outbox.database.disconnect(id) }
    }
}
