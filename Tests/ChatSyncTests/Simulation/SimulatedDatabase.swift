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
        var firstNotFound: Duration?
        /// When its transaction committed.
        var committedAt: Duration
        var trigger = Trigger.none
        /// How often it left the state pending.
        var settlements = 0
    }

    /// A user's own trigger on the settlement.
    enum Trigger: Sendable { case none, refusesCreated, refusesEverything }

    struct Session: Sendable {
        var isAlive = true
        var signals: AsyncStream<OutboxSignal>.Continuation
    }

    struct Producer: Sendable {
        var businessID: Int64
        var notifies: Bool
        var rows: [Row]
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
        var sessions: [Int: Session] = [:]
        var owners: [Int64: Int] = [:]
        var sleepers: [Int64: Int] = [:]
        var producers: [Int: Producer] = [:]
        var queuedForProducers: [Int64: Int] = [:]
        var nextRow: Int64 = 1
        var nextNumber = 1
        /// Round trips so far.
        var statements = 0
        /// What broke the rules.
        var violations: [String] = []
        /// Settlements, in order: what a replay must repeat.
        var journal: [String] = []
    }

    let state = Mutex(State())
    let clock: SimulatedClock

    init(clock: SimulatedClock) {
        self.clock = clock
    }

    var now: Duration { clock.now.sinceStart }

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

    /// The client hears no more of it; the server keeps its locks until ``endSession(_:)``.
    func disconnect(_ id: Int) {
        state.withLock { $0.sessions[id]?.signals }?.finish()
    }

    /// The server frees all that the session held.
    func endSession(_ id: Int) {
        disconnect(id)
        state.withLock { state in
            state.sessions[id]?.isAlive = false
            state.owners = state.owners.filter { $0.value != id }
            state.sleepers = state.sleepers.filter { $0.value != id }
        }
    }

    func isAlive(_ id: Int) -> Bool { state.withLock { $0.sessions[id]?.isAlive ?? false } }

    // MARK: Producers

    /// A transaction inserts rows and stays open.
    func begin(_ rows: [Row], for businessID: Int64) -> Int {
        state.withLock { state in
            state.nextNumber += 1
            let isHeard = state.sleepers[businessID] != nil || (state.queuedForProducers[businessID] ?? 0) > 0
            state.producers[state.nextNumber] = Producer(businessID: businessID, notifies: isHeard, rows: rows)
            return state.nextNumber
        }
    }

    func commit(_ number: Int) {
        let now = now
        let producer = state.withLock { state -> Producer? in
            guard let producer = state.producers.removeValue(forKey: number) else { return nil }
            for var row in producer.rows {
                row.id = state.nextRow
                state.nextRow += 1
                row.committedAt = now
                state.rows[row.id] = row
            }
            return producer
        }
        guard let producer, producer.notifies else { return }
        let sessions = state.withLock { $0.sessions.sorted { $0.key < $1.key }.map(\.value) }
        for session in sessions where session.isAlive {
            session.signals.yield(.changed(businessID: producer.businessID))
        }
    }

    func hasSilentProducers(_ businessID: Int64) -> Bool {
        state.withLock { $0.producers.contains { $0.value.businessID == businessID && !$0.value.notifies } }
    }

    // MARK: What the statements do

    func dueRows(of businessID: Int64, limit: Int, after watermark: Watermark?) -> DueRows {
        let now = now
        return state.withLock { state in
            let pending = state.rows.values.filter { $0.businessID == businessID && $0.state == "pending" }
            let due = pending.filter { $0.dueAt <= now }.filter { row in
                guard let watermark, row.priority == watermark.priority else { return true }
                return microseconds(row.dueAt) >= watermark.dueAtMicroseconds
            }
            let ordered = due.sorted { (-$0.priority, $0.dueAt, $0.id) < (-$1.priority, $1.dueAt, $1.id) }
            let next = pending.map(\.dueAt).filter { $0 > now }.min()
            return DueRows(
                rows: ordered.prefix(limit).map { row in
                    DueRow(
                        id: row.id, contextType: row.contextType, contextID: row.contextID, priority: row.priority,
                        attempts: row.attempts, notFoundFor: row.firstNotFound.map { now - $0 },
                        dueAtMicroseconds: microseconds(row.dueAt))
                }, nextDueIn: next.map { $0 - now }, isPaused: state.records[businessID]?.isPaused ?? false)
        }
    }

    private func microseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
    }

    func fallAsleep(_ businessID: Int64, session: Int, limit: Int) -> (DueRows, Bool) {
        let isBlocked = hasSilentProducers(businessID)
        let isAsleep = state.withLock { state -> Bool in
            if let sleeper = state.sleepers[businessID] { return sleeper == session }
            if isBlocked { return false }
            state.sleepers[businessID] = session
            return true
        }
        return (dueRows(of: businessID, limit: limit, after: nil), isAsleep)
    }

    func wakeUp(_ businessID: Int64, session: Int) {
        state.withLock { if $0.sleepers[businessID] == session { $0.sleepers[businessID] = nil } }
    }

    func claim(_ businessIDs: [Int64], session: Int) -> [BusinessRecord] {
        let now = now
        return state.withLock { state in
            businessIDs.compactMap { id in
                guard state.owners[id] == nil else { return nil }
                state.owners[id] = session
                var record = state.records[id] ?? BusinessRecord(businessID: id)
                record.hold?.endsIn = max((state.heldUntil[id] ?? now) - now, .zero)
                record.quota?.resetsIn = max((state.resetsAt[id] ?? now) - now, .zero)
                return record
            }
        }
    }

    func poll(_ businessIDs: [Int64]) -> [BusinessPoll] {
        let now = now
        return state.withLock { state in
            businessIDs.map { id in
                let due = state.rows.values.filter { $0.businessID == id && $0.state == "pending" && $0.dueAt <= now }
                return BusinessPoll(
                    businessID: id, due: min(due.count, 100), dueIsAtLeast: due.count > 100,
                    oldestDueFor: due.map(\.dueAt).min().map { now - $0 },
                    isPaused: state.records[id]?.isPaused ?? false)
            }
        }
    }

    func setPaused(_ businessID: Int64, _ isPaused: Bool) {
        let now = now
        let sessions = state.withLock { state in
            state.records[businessID, default: BusinessRecord(businessID: businessID)].isPaused = isPaused
            state.pausedSince[businessID] = isPaused ? state.pausedSince[businessID] ?? now : nil
            return state.sessions.sorted { $0.key < $1.key }.map(\.value)
        }
        for session in sessions where session.isAlive { session.signals.yield(.changed(businessID: businessID)) }
    }

    /// Why nothing may be sent for a business now, though it was known long enough.
    ///
    /// - Parameter grace: for what was on its way.
    func reasonNotToSend(_ businessID: Int64, grace: Duration) -> String? {
        let now = now
        return state.withLock { state in
            if let since = state.pausedSince[businessID], now - since > grace { return "paused" }
            guard let hold = state.records[businessID]?.hold, let until = state.heldUntil[businessID], until > now,
                let since = state.heldSince[businessID], now - since > grace, hold.reason.hasPrefix("quota")
            else { return nil }
            return hold.reason
        }
    }

    func remember(_ records: [BusinessRecord], session: Int) {
        let now = now
        state.withLock { state in
            for record in records {
                if state.owners[record.businessID] != session {
                    state.violations.append("a session wrote the record of business \(record.businessID), not its own")
                }
                var record = record
                record.isPaused = state.records[record.businessID]?.isPaused ?? false
                if record.hold?.reason != state.records[record.businessID]?.hold?.reason {
                    state.heldSince[record.businessID] = now
                }
                state.heldUntil[record.businessID] = record.hold.map { now + $0.endsIn }
                state.resetsAt[record.businessID] = record.quota.map { now + $0.resetsIn }
                state.records[record.businessID] = record
            }
        }
    }

    func settle(_ result: RowResult) -> RowOutcome {
        let now = now
        return state.withLock { state in
            guard var row = state.rows[result.rowID], row.state == "pending" else { return .notPending }
            if case .backoff = result.change, row.attempts != result.attempts { return .notPending }
            if row.trigger == .refusesEverything { return .refused(error: "P0001 never", isPutOff: false) }
            if row.trigger == .refusesCreated, case .created = result.change {
                row.dueAt = now + result.putOffIfRefused
                row.attempts += 1
                state.rows[row.id] = row
                return .refused(error: "P0001 not created", isPutOff: true)
            }
            if result.exchange?.httpStatus == 404, row.firstNotFound == nil { row.firstNotFound = now }
            switch result.change {
            case .created(let chatID):
                row.state = "created"
                row.chatID = chatID
                row.settlements += 1
            case .rejected:
                row.state = "rejected"
                row.settlements += 1
                if (result.exchange?.httpStatus ?? 500) >= 500 {
                    state.violations.append("row \(row.id) was rejected for a failure of the Market")
                }
            case .backoff(let delay):
                row.dueAt = now + delay
                row.attempts += 1
            case .deferred: break
            }
            if row.settlements > 1 { state.violations.append("row \(row.id) was settled \(row.settlements) times") }
            state.rows[row.id] = row
            state.journal.append("\(now) \(row.id) \(row.state) \(row.chatID ?? 0) \(row.attempts)")
            return .written
        }
    }
}
