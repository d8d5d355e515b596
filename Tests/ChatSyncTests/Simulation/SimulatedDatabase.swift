import ChatOutbox
import Synchronization

/// The seller's database: rows, locks and sessions, by the rules of the SQL in ChatOutbox.
final class SimulatedDatabase: Sendable {
    struct Row: Sendable {
        var id: Int64
        var businessID: Int64
        var contextType: String
        var contextID: Int64
        var priority: Int16
        var dueAt: Duration
        var state = "pending"
        var chatID: Int64?
        var attempts = 0
        var lastError: String?
        var firstNotFound: Duration?
        var notFoundCount = 0
        /// When its transaction committed.
        var committedAt: Duration
        var trigger = Trigger.none
        /// Somebody else holds a lock on the row until then.
        var lockedUntil = Duration.zero
        /// How often it left the state pending.
        var settlements = 0
        var settledAt: Duration?
    }

    /// A user's own trigger on the settlement.
    enum Trigger: Sendable { case none, refusesCreated, refusesEverything, isSlow }

    struct Session: Sendable {
        var isAlive = true
        var signals: AsyncStream<OutboxSignal>.Continuation
        /// Lost for its client: then the server notices, by `idle_session_timeout`.
        var endsAt: Duration?
        /// Businesses that sleep on a key that this other session holds.
        var covers: [Int64: Int] = [:]
    }

    struct Producer: Sendable {
        var businessID: Int64
        var notifies: Bool
        var rows: [Row]
    }

    /// What a test may want to know that it happened.
    enum Occurrence: Sendable, CaseIterable {
        case coveredSleep, blockedSleep, sharedKey, endedCover, deadCover, endedZombie, sample, refusal, rewrite,
            lateRefusal
        case failedStatement
    }

    struct State: Sendable {
        var rows: [Int64: Row] = [:]
        var records: [Int64: BusinessRecord] = [:]
        var heldUntil: [Int64: Duration] = [:]
        /// The same by the clock of who wrote it: earlier by its way to the database.
        var holdEnds: [Int64: Duration] = [:]
        /// Since when a business is paused.
        var pausedSince: [Int64: Duration] = [:]
        /// Since when the hold of a business is on record.
        var heldSince: [Int64: Duration] = [:]
        var resetsAt: [Int64: Duration] = [:]
        var writtenAt: [Int64: Duration] = [:]
        var sessions: [Int: Session] = [:]
        var owners: [Int64: Int] = [:]
        /// Who holds a key, and which businesses sleep by it.
        var sleepers: [Int64: (session: Int, businesses: Set<Int64>)] = [:]
        var producers: [Int: Producer] = [:]
        /// Who waits for the silent producers of a key, and is woken when the last has ended.
        var producerWaits: [Int: (key: Int64, end: @Sendable () -> Void)] = [:]
        var nextRow: Int64 = 1
        var nextNumber = 1
        /// Round trips so far.
        var statements = 0
        /// How often what happened.
        var occurrences: [Occurrence: Int] = [:]
        /// What broke the rules.
        var violations: [String] = []
        /// Settlements, in order: what a replay must repeat.
        var journal: [String] = []
    }

    let state = Mutex(State())
    let clock: SimulatedClock
    let random: SeededRandom
    /// So many keys for producers and sleepers: businesses share them.
    private let keys: Int64

    init(clock: SimulatedClock, random: SeededRandom, keys: Int) {
        self.clock = clock
        self.random = random
        self.keys = Int64(keys)
    }

    var now: Duration { clock.now.sinceStart }

    func key(_ businessID: Int64) -> Int64 { businessID % keys }

    // MARK: Sessions

    func openSession() -> (id: Int, signals: AsyncStream<OutboxSignal>) {
        let (stream, continuation) = AsyncStream.makeStream(of: OutboxSignal.self)
        let id = state.withLock { state -> Int in
            state.nextNumber += 1
            state.sessions[state.nextNumber] = Session(signals: continuation)
            return state.nextNumber
        }
        return (id, stream)
    }

    /// The client hears no more of it; the server keeps its locks until ``endSession(_:)``, or until `timeout` has passed.
    func disconnect(_ id: Int, timeout: Duration? = nil) {
        let end = timeout.map { now + $0 }
        let signals = state.withLock { state in
            if let end, state.sessions[id]?.endsAt == nil { state.sessions[id]?.endsAt = end }
            return state.sessions[id]?.signals
        }
        signals?.finish()
    }

    /// The server frees all that the session held. Nobody is told.
    func endSession(_ id: Int) {
        disconnect(id)
        state.withLock { Self.free(id, &$0) }
    }

    private static func free(_ id: Int, _ state: inout State) {
        state.sessions[id]?.isAlive = false
        state.owners = state.owners.filter { $0.value != id }
        state.sleepers = state.sleepers.filter { $0.value.session != id }
    }

    /// Ends the sessions that were idle for too long.
    private static func reap(_ state: inout State, now: Duration) {
        for (id, session) in state.sessions where session.isAlive {
            guard let end = session.endsAt, end <= now else { continue }
            free(id, &state)
            state.occurrences[.endedZombie, default: 0] += 1
        }
    }

    /// All that statements do goes through here.
    func transaction<Value>(_ body: (inout sending State) -> sending Value) -> sending Value {
        let now = now
        state.withLock { Self.reap(&$0, now: now) }
        return state.withLock(body)
    }

    func count(_ occurrence: Occurrence) { state.withLock { $0.occurrences[occurrence, default: 0] += 1 } }

    func isAlive(_ id: Int) -> Bool { transaction { $0.sessions[id]?.isAlive ?? false } }

    func hasVacancy(among businessIDs: [Int64]) -> Bool {
        transaction { state in businessIDs.contains { state.owners[$0] == nil } }
    }

    func tell(_ signal: OutboxSignal) {
        let sessions = state.withLock { $0.sessions.sorted { $0.key < $1.key }.map(\.value) }
        for session in sessions where session.isAlive { session.signals.yield(signal) }
    }

    // MARK: Producers

    /// A transaction inserts rows and stays open.
    func begin(_ rows: [Row], for businessID: Int64) -> Int {
        let key = key(businessID)
        return transaction { state in
            state.nextNumber += 1
            let isHeard = state.sleepers[key] != nil || state.producerWaits.contains { $0.value.key == key }
            state.producers[state.nextNumber] = Producer(businessID: businessID, notifies: isHeard, rows: rows)
            return state.nextNumber
        }
    }

    func commit(_ number: Int) {
        let now = now
        let (producer, woken) = transaction { state -> (Producer?, [@Sendable () -> Void]) in
            guard let producer = state.producers.removeValue(forKey: number) else { return (nil, []) }
            for var row in producer.rows {
                row.id = state.nextRow
                state.nextRow += 1
                row.committedAt = now
                state.rows[row.id] = row
            }
            let key = key(producer.businessID)
            guard !hasSilentProducers(key, state) else { return (producer, []) }
            return (
                producer, state.producerWaits.filter { $0.value.key == key }.sorted { $0.key < $1.key }.map(\.value.end)
            )
        }
        for end in woken { end() }
        if let producer, producer.notifies { tell(.changed(businessID: producer.businessID)) }
    }

    func hasSilentProducers(_ key: Int64, _ state: State) -> Bool {
        state.producers.contains { self.key($0.value.businessID) == key && !$0.value.notifies }
    }

    /// Queues for the key. `end` is called when no silent producer is left.
    ///
    /// - Returns: the number of the wait; `nil` where there is nothing to wait for.
    func waitForProducers(_ businessID: Int64, end: @escaping @Sendable () -> Void) -> Int? {
        let key = key(businessID)
        return transaction { state in
            guard hasSilentProducers(key, state) else { return nil }
            state.nextNumber += 1
            state.producerWaits[state.nextNumber] = (key, end)
            return state.nextNumber
        }
    }

    func endWait(_ number: Int) {
        state.withLock { $0.producerWaits[number] = nil }
    }
}
