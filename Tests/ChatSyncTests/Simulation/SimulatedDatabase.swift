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
    private let random: SeededRandom
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
    private func transaction<Value>(_ body: (inout sending State) -> sending Value) -> sending Value {
        let now = now
        state.withLock { Self.reap(&$0, now: now) }
        return state.withLock(body)
    }

    func count(_ occurrence: Occurrence) { state.withLock { $0.occurrences[occurrence, default: 0] += 1 } }

    func isAlive(_ id: Int) -> Bool { transaction { $0.sessions[id]?.isAlive ?? false } }

    func hasVacancy(among businessIDs: [Int64]) -> Bool {
        transaction { state in businessIDs.contains { state.owners[$0] == nil } }
    }

    private func tell(_ signal: OutboxSignal) {
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

    private func hasSilentProducers(_ key: Int64, _ state: State) -> Bool {
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

    // MARK: What the statements of reading do

    /// Tried rows are looked for among so many at the front.
    private static let front = 200

    func dueRows(of businessID: Int64, _ read: DueRead) -> DueRows {
        let now = now
        return transaction { state in
            let pending = state.rows.values.filter { $0.businessID == businessID && $0.state == "pending" }
            let due = ordered(pending.filter { $0.dueAt <= now })
            let wanted = due.filter { read.contextType == nil || $0.contextType == read.contextType }
            let fresh = wanted.filter { row in
                guard row.attempts == 0 else { return false }
                guard let watermark = read.watermark, row.priority >= watermark.priority else { return true }
                return row.priority == watermark.priority && microseconds(row.dueAt) >= watermark.dueAtMicroseconds
            }
            let repeats = read.watermark == nil ? wanted.prefix(Self.front).filter { $0.attempts > 0 } : []
            let next = read.watermark == nil ? pending.map(\.dueAt).filter { $0 > now }.min() : nil
            return DueRows(
                fresh: fresh.prefix(read.limit).map { dueRow($0, now) },
                repeats: repeats.prefix(read.repeatLimit).map { dueRow($0, now) },
                nextDueIn: next.map { $0 - now }, isPaused: state.records[businessID]?.isPaused ?? false)
        }
    }

    private func ordered(_ rows: [Row]) -> [Row] {
        rows.sorted { (-Int($0.priority), $0.dueAt, $0.id) < (-Int($1.priority), $1.dueAt, $1.id) }
    }

    private func dueRow(_ row: Row, _ now: Duration) -> DueRow {
        DueRow(
            id: row.id, contextType: row.contextType, contextID: row.contextID, priority: row.priority,
            attempts: row.attempts, notFoundFor: row.firstNotFound.map { now - $0 }, notFoundCount: row.notFoundCount,
            dueAtMicroseconds: microseconds(row.dueAt))
    }

    private func microseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
    }

    /// The first, the last, and some between, of both types in turn.
    func sampleDue(of businessID: Int64, contextType: String?, excluding: [Int64], limit: Int) -> [DueRow] {
        let now = now
        let excluded = Set(excluding)
        return transaction { state in
            state.occurrences[.sample, default: 0] += 1
            let due = ordered(
                state.rows.values.filter {
                    $0.businessID == businessID && $0.state == "pending" && $0.dueAt <= now && !excluded.contains($0.id)
                })
            let types = contextType.map { [$0] } ?? ["ORDER", "RETURN"]
            var drawn = types.map { type in draw(due.filter { $0.contextType == type }, limit) }
            var sample: [Row] = []
            while sample.count < limit, drawn.contains(where: { !$0.isEmpty }) {
                for index in drawn.indices where !drawn[index].isEmpty { sample.append(drawn[index].removeFirst()) }
            }
            return sample.prefix(limit).map { dueRow($0, now) }
        }
    }

    private func draw(_ rows: [Row], _ limit: Int) -> [Row] {
        var left = rows
        var drawn: [Row] = []
        while drawn.count < limit, !left.isEmpty {
            let place = [0, left.count - 1, random.below(left.count)][drawn.count % 3]
            drawn.append(left.remove(at: place))
        }
        return drawn
    }

    func poll(_ businessIDs: [Int64], session: Int) -> [BusinessPoll] {
        let now = now
        return transaction { state in
            businessIDs.map { id in
                let due = state.rows.values.filter { $0.businessID == id && $0.state == "pending" && $0.dueAt <= now }
                let coveredBy = state.sessions[session]?.covers[id]
                let coverHasEnded = coveredBy.map { state.sleepers[key(id)]?.session != $0 } ?? false
                if coverHasEnded { state.occurrences[.deadCover, default: 0] += 1 }
                return BusinessPoll(
                    businessID: id, due: min(due.count, 100), dueIsAtLeast: due.count > 100,
                    oldestDueFor: due.map(\.dueAt).min().map { now - $0 },
                    isPaused: state.records[id]?.isPaused ?? false,
                    coverHasEnded: coverHasEnded)
            }
        }
    }

    // MARK: Sleep

    /// Only the lock: what is due is looked at afterwards.
    func fallAsleep(_ businessID: Int64, session: Int) -> Sleep {
        let key = key(businessID)
        return transaction { state in
            state.sessions[session]?.covers[businessID] = nil
            if let holder = state.sleepers[key]?.session, holder != session {
                state.sessions[session]?.covers[businessID] = holder
                state.occurrences[.coveredSleep, default: 0] += 1
                return .covered
            }
            if state.sleepers[key] == nil {
                if hasSilentProducers(key, state) {
                    state.occurrences[.blockedSleep, default: 0] += 1
                    return .producersAreOpen
                }
                state.sleepers[key] = (session, [])
            }
            if state.sleepers[key]?.businesses.subtracting([businessID]).isEmpty == false {
                state.occurrences[.sharedKey, default: 0] += 1
            }
            state.sleepers[key]?.businesses.insert(businessID)
            return .asleep
        }
    }

    /// Frees the key, where no other business of the session sleeps on it, and tells those whose cover it was.
    func wakeUp(_ businessID: Int64, session: Int) {
        let key = key(businessID)
        let covered = transaction { state -> [Int64] in
            guard state.sleepers[key]?.session == session else { return [] }
            state.sleepers[key]?.businesses.remove(businessID)
            guard state.sleepers[key]?.businesses.isEmpty == true else { return [] }
            state.sleepers[key] = nil
            let all = state.sessions.values.filter(\.isAlive)
                .flatMap { other in other.covers.filter { $0.value == session && self.key($0.key) == key }.map(\.key) }
            if !all.isEmpty { state.occurrences[.endedCover, default: 0] += 1 }
            return Set(all).sorted()
        }
        for id in covered { tell(.coverEnded(businessID: id)) }
    }

    // MARK: Businesses

    func claim(_ businessIDs: [Int64], session: Int) -> [BusinessRecord] {
        let now = now
        return transaction { state in
            businessIDs.compactMap { id in
                guard state.owners[id] == nil else { return nil }
                state.owners[id] = session
                var record = state.records[id] ?? BusinessRecord(businessID: id)
                record.hold?.endsIn = max((state.heldUntil[id] ?? now) - now, .zero)
                record.quota?.resetsIn = max((state.resetsAt[id] ?? now) - now, .zero)
                record.age = state.writtenAt[id].map { now - $0 }
                return record
            }
        }
    }

    func setPaused(_ businessID: Int64, _ isPaused: Bool) {
        let now = now
        state.withLock { state in
            state.records[businessID, default: BusinessRecord(businessID: businessID)].isPaused = isPaused
            state.pausedSince[businessID] = isPaused ? state.pausedSince[businessID] ?? now : nil
        }
        tell(.changed(businessID: businessID))
    }

    /// Why nothing may be sent for a business now, though it was known long enough.
    ///
    /// - Parameter grace: for what was on its way.
    func reasonNotToSend(_ businessID: Int64, grace: Duration) -> String? {
        let now = now
        return state.withLock { state in
            if let since = state.pausedSince[businessID], now - since > grace { return "paused" }
            guard let hold = state.records[businessID]?.hold, let until = state.heldUntil[businessID], until > now,
                // A window that is only reckoned to be used up is another matter: a failure gives a request back.
                let since = state.heldSince[businessID], now - since > grace, hold.reason.hasPrefix("quota: 420")
            else { return nil }
            return "\(hold.reason), since \(since) until \(until)"
        }
    }

    /// - Parameter begunAt: when the transaction began, which is what `now()` says in it.
    func remember(_ records: [BusinessRecord], session: Int, begunAt: Duration) {
        transaction { state in
            for record in records {
                if state.owners[record.businessID] != session {
                    state.violations.append("a session wrote the record of business \(record.businessID), not its own")
                }
                var record = record
                record.isPaused = state.records[record.businessID]?.isPaused ?? false
                if record.hold?.reason != state.records[record.businessID]?.hold?.reason {
                    state.heldSince[record.businessID] = begunAt
                }
                state.heldUntil[record.businessID] = record.hold.map { begunAt + $0.endsIn }
                state.resetsAt[record.businessID] = record.quota.map { begunAt + $0.resetsIn }
                state.writtenAt[record.businessID] = begunAt
                state.records[record.businessID] = record
            }
        }
    }
}

// What the statements of writing do.
extension SimulatedDatabase {
    /// One transaction; where a row of a business cannot be written at once, none of that business is.
    func settle(_ results: [RowResult]) -> [RowOutcome] {
        let now = now
        return transaction { state in
            var refusals: [Int64: String] = [:]
            for result in results {
                guard let error = Self.refusal(of: result, isPatient: false, state, now: now) else { continue }
                refusals[result.businessID] = refusals[result.businessID] ?? error
            }
            return results.map { result in
                if let error = refusals[result.businessID] {
                    state.occurrences[.refusal, default: 0] += 1
                    return .refused(error: error)
                }
                return Self.write(result, &state, now: now)
            }
        }
    }

    /// One row by itself. What cannot be written leaves its error behind, where not even that is refused.
    func settleApart(_ result: RowResult) -> RowOutcome {
        let now = now
        return transaction { state in
            guard let error = Self.refusal(of: result, isPatient: true, state, now: now) else {
                state.occurrences[.rewrite, default: 0] += 1
                return Self.write(result, &state, now: now)
            }
            state.occurrences[.lateRefusal, default: 0] += 1
            if let row = state.rows[result.rowID], row.trigger == .refusesCreated, row.lockedUntil <= now {
                state.rows[result.rowID]?.lastError = error
            }
            return .refused(error: error)
        }
    }

    /// - Returns: the database's text; `nil` where the result can be written.
    private static func refusal(of result: RowResult, isPatient: Bool, _ state: State, now: Duration) -> String? {
        guard let row = state.rows[result.rowID], row.state == "pending" else { return nil }
        if row.lockedUntil > now { return "55P03 canceling statement due to lock timeout" }
        switch (row.trigger, result.change) {
        case (.none, _), (.refusesCreated, .rejected), (.refusesCreated, .backoff), (.refusesCreated, .deferred):
            return nil
        case (.isSlow, _): return isPatient ? nil : "57014 canceling statement due to statement timeout"
        case (.refusesCreated, .created): return "P0001 not created"
        case (.refusesEverything, _): return "P0001 never"
        }
    }

    private static func write(_ result: RowResult, _ state: inout State, now: Duration) -> RowOutcome {
        guard var row = state.rows[result.rowID], row.state == "pending" else { return .notPending }
        if row.businessID != result.businessID {
            state.violations.append("row \(row.id) was written as one of business \(result.businessID)")
        }
        if case .backoff = result.change, row.attempts != result.attempts { return .notPending }
        if result.exchange?.httpStatus == 404 {
            row.firstNotFound = row.firstNotFound ?? now
            row.notFoundCount += 1
        }
        switch result.change {
        case .created(let chatID):
            row.state = "created"
            row.chatID = chatID
            row.settlements += 1
            row.settledAt = now
        case .rejected:
            row.state = "rejected"
            row.settlements += 1
            row.settledAt = now
            if let status = result.exchange?.httpStatus, status != 400, status != 404 {
                state.violations.append("row \(row.id) was rejected for \(status)")
            }
        case .backoff(let delay):
            row.dueAt = now + delay
            row.attempts += 1
        case .deferred: break
        }
        row.lastError = result.exchange?.message
        if row.settlements > 1 { state.violations.append("row \(row.id) was settled \(row.settlements) times") }
        state.rows[row.id] = row
        state.journal.append("\(now) \(row.id) \(row.state) \(row.chatID ?? 0) \(row.attempts)")
        return .written
    }
}
