import ChatOutbox
import Synchronization

/// Writes results, many in one transaction: while one transaction commits, results gather, and the next takes them all.
///
/// No timer is needed for that, latency is lowest, and throughput grows with the load. What could not be written
/// because the session broke stays here and is written on the next one: each transition is guarded by the state it
/// leaves, so writing twice does no harm.
actor Settler {
    /// Rows in one transaction.
    static let batch = 256
    /// Results that may wait here before nothing more is sent.
    static let limit = 2000

    private struct Waiting {
        var id: Int
        var result: RowResult
        var worker: BusinessWorker
    }

    private let context: EngineContext
    private nonisolated let doorbell = Doorbell()
    private nonisolated let count = Atomic(0)
    private var waiting: ArraySlice<Waiting> = []
    /// Who waits for an outcome. Not the actor's alone: a caller that is cancelled must not wait for a write to end.
    private nonisolated let answers = Mutex<[Int: CheckedContinuation<RowOutcome?, Never>]>([:])
    /// When the loop last turned.
    nonisolated let lastTurn: Mutex<Moment>
    private var nextID = 0
    private var session: (any OutboxSession)?
    private var sessionNumber = 0

    init(context: EngineContext) {
        self.context = context
        lastTurn = Mutex(context.clock.now)
    }

    /// Results that are not written.
    nonisolated var unwritten: Int { count.load(ordering: .relaxed) }

    /// Whether more results may come.
    nonisolated var hasRoom: Bool { count.load(ordering: .relaxed) < Self.limit }

    /// Writes a result, now or on a later session.
    ///
    /// - Returns: `nil` when the task is cancelled before it is known to be written.
    func settle(_ result: RowResult, of worker: BusinessWorker) async -> RowOutcome? {
        nextID += 1
        let id = nextID
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                count.add(1, ordering: .relaxed)
                answers.withLock { $0[id] = continuation }
                if Task.isCancelled { return answer(id, nil) }
                waiting.append(Waiting(id: id, result: result, worker: worker))
                doorbell.ring()
            }
        } onCancel: {
            answer(id, nil)
        }
    }

    /// Results go to this session from now on.
    func attach(_ session: any OutboxSession, number: Int) {
        self.session = session
        sessionNumber = number
        doorbell.ring()
    }

    /// The session is no more.
    func detach(number: Int) {
        if number == sessionNumber { session = nil }
    }

    /// Writes until the task is cancelled; then lets go of all that still waits.
    func run() async {
        while !Task.isCancelled {
            let now = context.clock.now
            lastTurn.withLock { $0 = now }
            if let session, !waiting.isEmpty {
                await write(through: session, number: sessionNumber)
            } else {
                await doorbell.wait(until: now + Engine.longestSleep, on: context.clock)
            }
        }
        for entry in waiting { answer(entry.id, nil) }
        waiting = []
    }

    private func write(through session: any OutboxSession, number: Int) async {
        let batch = Array(waiting.prefix(Self.batch))
        waiting = waiting.dropFirst(batch.count)
        let records = await records(for: batch, sessionNumber: number)
        do {
            let outcomes = try await session.settle(batch.map(\.result), remembering: records)
            for (entry, outcome) in zip(batch, outcomes) { answer(entry.id, outcome) }
        } catch {
            waiting = batch + waiting
            detach(number: number)
            context.sessionFailed(number, error)
        }
    }

    /// Only the owner's knowledge of a business is written.
    private func records(for batch: [Waiting], sessionNumber number: Int) async -> [BusinessRecord] {
        var seen: Set<Int64> = []
        var records: [BusinessRecord] = []
        for worker in batch.map(\.worker) where seen.insert(worker.businessID).inserted {
            if let (record, session) = await worker.recordForNextOwner(), session == number { records.append(record) }
        }
        return records
    }

    private nonisolated func answer(_ id: Int, _ outcome: RowOutcome?) {
        guard let continuation = answers.withLock({ $0.removeValue(forKey: id) }) else { return }
        count.subtract(1, ordering: .relaxed)
        continuation.resume(returning: outcome)
    }
}
