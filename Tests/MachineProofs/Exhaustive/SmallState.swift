import ChatOutbox
import MarketAPI

@testable import ChatSync

/// All of the small world at one moment. Copies share their instances.
struct SmallState: Sendable {
    var database: SmallDatabase
    var faults: SmallWorld.Faults
    private(set) var first: Boxed
    private(set) var second: Boxed

    /// An instance with its hash, so that a step of one need not hash the other again.
    final class Boxed: Sendable {
        let instance: SmallInstance
        let hash: Int

        init(_ instance: SmallInstance) {
            self.instance = instance
            hash = instance.hashValue
        }
    }

    init(_ world: SmallWorld) {
        database = SmallDatabase(world)
        faults = world.faults
        first = Boxed(SmallInstance(world))
        second = first
    }

    subscript(index: Int) -> SmallInstance {
        get { index == 0 ? first.instance : second.instance }
        set { if index == 0 { first = Boxed(newValue) } else { second = Boxed(newValue) } }
    }

    /// Equal for states that differ only in which instance is the first. Never zero.
    var fingerprint: UInt64 {
        var hasher = Hasher()
        hasher.combine(database)
        hasher.combine(faults)
        hasher.combine(min(first.hash, second.hash))
        hasher.combine(max(first.hash, second.hash))
        return UInt64(bitPattern: Int64(hasher.finalize())) | 1
    }

    var instances: [SmallInstance] { [first.instance, second.instance] }
}

/// `market_chat`, as far as one business needs it.
struct SmallDatabase: Sendable, Hashable {
    var rows: [Row]
    var memory = SmallMemory()
    var isPaused = false
    var neighbourSleeps: Bool
    var isMended = false

    struct Row: Sendable, Hashable {
        var phase: Phase
        var attempts = 0
        var due = Moment.zero
        var notFoundSince: Moment?

        var isDue: Bool { phase == .pending && due <= .zero }
    }

    enum Phase: Sendable, Hashable {
        case absent
        /// Inserted in a transaction that is still open; silent, or to notify on commit.
        case open(notifies: Bool)
        case pending, created, rejected
    }

    init(_ world: SmallWorld) {
        rows = world.rows.map { Row(phase: $0.isLate ? .absent : .pending) }
        neighbourSleeps = world.hasNeighbour
    }

    subscript(id: Int64) -> Row {
        get { rows[Int(id) - 1] }
        set { rows[Int(id) - 1] = newValue }
    }

    var hasSilentProducers: Bool { rows.contains { $0.phase == .open(notifies: false) } }

    mutating func elapse(_ time: Duration) {
        memory.elapse(time)
        for index in rows.indices {
            rows[index].due.elapse(time)
            rows[index].notFoundSince.elapse(time, floor: .zero - SmallWorld.notFoundPatience)
        }
    }

    // MARK: Reading

    private func dueRow(_ id: Int64, _ world: SmallWorld) -> DueRow {
        let (row, plan) = (self[id], world.row(id))
        return DueRow(
            id: id, contextType: plan.contextType, contextID: 500 + id, priority: plan.priority,
            attempts: row.attempts,
            notFoundFor: row.notFoundSince.map {
                // Only whether the patience is over is of interest.
                Moment.zero - $0 >= SmallWorld.notFoundPatience ? SmallWorld.notFoundPatience : .zero
            }, notFoundCount: row.notFoundSince == nil ? 0 : 3)
    }

    private func dueRows(_ world: SmallWorld, contextType: String?) -> [DueRow] {
        world.ids.filter { self[$0].isDue && (contextType == nil || world.row($0).contextType == contextType) }
            .map { dueRow($0, world) }
            .sorted { (-Int($0.priority), $0.id) < (-Int($1.priority), $1.id) }
    }

    func look(_ world: SmallWorld, _ read: DueRead) -> DueRows {
        let due = dueRows(world, contextType: read.contextType)
        let isFull = read.watermark == nil
        let next = rows.filter { $0.phase == .pending && $0.due > .zero }.map(\.due).min()
        return DueRows(
            fresh: Array(due.filter { $0.attempts == 0 }.prefix(read.limit)),
            repeats: isFull ? Array(due.filter { $0.attempts > 0 }.prefix(read.repeatLimit)) : [],
            nextDueIn: isFull ? next.map { $0 - .zero } : nil, isPaused: isPaused)
    }

    /// The first, the last, and what lies between.
    func sample(_ world: SmallWorld, contextType: String?, excluding: [Int64], limit: Int) -> [DueRow] {
        var due = dueRows(world, contextType: contextType).filter { !excluding.contains($0.id) }
        if due.count > 2 { due.insert(due.removeLast(), at: 1) }
        return Array(due.prefix(limit))
    }

    var poll: BusinessPoll {
        BusinessPoll(
            businessID: SmallWorld.businessID, due: rows.count { $0.isDue }, oldestDueFor: nil, isPaused: isPaused,
            coverHasEnded: false)
    }

    // MARK: Writing

    func refuses(_ result: RowResult, _ world: SmallWorld) -> Bool {
        guard case .created = result.change else { return false }
        return !isMended && world.row(result.rowID).fate == .unwritable && self[result.rowID].phase == .pending
    }

    mutating func settle(_ result: RowResult) -> RowOutcome {
        var row = self[result.rowID]
        guard row.phase == .pending else { return .notPending }
        if case .backoff = result.change, row.attempts != result.attempts { return .notPending }
        switch result.change {
        case .created: row.phase = .created
        case .rejected: row.phase = .rejected
        case .backoff(let delay):
            row.attempts = min(row.attempts + 1, SmallWorld.mostAttempts)
            row.due = .zero + delay
            if result.exchange?.httpStatus == 404 { row.notFoundSince = row.notFoundSince ?? .zero }
        case .deferred: break
        }
        if row.phase != .pending { row = Row(phase: row.phase) }
        self[result.rowID] = row
        return .written
    }
}
