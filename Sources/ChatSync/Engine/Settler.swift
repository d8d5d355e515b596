import ChatOutbox
import Synchronization

/// Writes results, many in one transaction: while one transaction commits, results gather, and the next takes them all.
///
/// No timer is needed for that, latency is lowest, and throughput grows with the load. What could not be written
/// because the session broke stays here and is written on the next one: each transition is guarded by the state it
/// leaves, so writing twice does no harm. Results that the database refused before are written apart, so that no other
/// waits for them.
actor Settler {
    /// Rows in one transaction.
    static let batch = 256

    private struct Waiting {
        var id: Int
        var settlement: Settlement
    }

    private let context: EngineContext
    private nonisolated let wake = WakeSignal()
    private nonisolated let count = Atomic(0)
    private var waiting: ArraySlice<Waiting> = []
    /// By business, so that none waits for another.
    private var apart: [Int64: [Waiting]] = [:]
    private var businessesUnderWay: Set<Int64> = []
    /// What is to be remembered of businesses, though none of their results is written.
    private var toRemember: [Int64: KnownBusiness] = [:]
    /// The latest of each business that was not worth a write at once: it is written when its pause has passed.
    private var putOff: [Int64: KnownBusiness] = [:]
    /// What was written of each business last.
    private var remembered: [Int64: KnownBusiness] = [:]
    /// Before another try to write what could not be written.
    private static let pause = Duration.seconds(1)
    /// Who waits for an outcome. Not the actor's alone: a caller that is cancelled must not wait for a write to end.
    private nonisolated let answers = Mutex<[Int: CheckedContinuation<RowOutcome?, Never>]>([:])
    /// Since when a transaction has been under way; `nil`: none is.
    private nonisolated let writingSince = Mutex<Moment?>(nil)
    private var nextID = 0
    private var session: LiveSession?

    init(context: EngineContext) {
        self.context = context
    }

    /// Results that are not written.
    nonisolated var unwritten: Int { count.load(ordering: .relaxed) }

    /// For how long the transaction under way has been.
    nonisolated func writingFor(now: Moment) -> Duration {
        writingSince.withLock { $0.map { now - $0 } ?? .zero }
    }

    /// Writes a result, now or on a later session.
    ///
    /// - Returns: `nil` when the task is cancelled before it is known to be written.
    func settle(_ settlement: Settlement) async -> RowOutcome? {
        await outcome { id in
            waiting.append(Waiting(id: id, settlement: settlement))
            wake.signal()
        }
    }

    /// The same for a result that the database refused before.
    func settleApart(_ settlement: Settlement) async -> RowOutcome? {
        await outcome { id in
            let businessID = settlement.result.businessID
            apart[businessID, default: []].append(Waiting(id: id, settlement: settlement))
            startApart(businessID)
        }
    }

    /// Writes what is known of a business, with the next results or without any.
    func remember(_ known: KnownBusiness) {
        guard known.owner === session, known.isLater(than: toRemember[known.businessID]) else { return }
        toRemember[known.businessID] = known
        wake.signal()
    }

    private func outcome(_ enqueue: (_ id: Int) -> Void) async -> RowOutcome? {
        nextID += 1
        let id = nextID
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                count.add(1, ordering: .relaxed)
                answers.withLock { $0[id] = continuation }
                if Task.isCancelled { answer(id, nil) } else { enqueue(id) }
            }
        } onCancel: {
            answer(id, nil)
        }
    }

    /// Results go to this session from now on.
    func attach(_ session: LiveSession) {
        self.session = session
        wake.signal()
        for businessID in apart.keys { startApart(businessID) }
    }

    /// The session is no more.
    func detach(_ lost: LiveSession) {
        guard session === lost else { return }
        session = nil
        toRemember = [:]
    }

    /// Writes until the task is cancelled; then lets go of all that still waits.
    func run() async {
        while !Task.isCancelled {
            if let session, !waiting.isEmpty || !toRemember.isEmpty {
                await write(through: session)
            } else {
                await wake.wait()
            }
        }
        for entry in waiting + apart.values.joined() { answer(entry.id, nil) }
        waiting = []
        apart = [:]
    }

    private func write(through session: LiveSession) async {
        let batch = Array(waiting.prefix(Self.batch))
        waiting = waiting.dropFirst(batch.count)
        let now = context.clock.now
        writingSince.withLock { $0 = now }
        defer { writingSince.withLock { $0 = nil } }
        let known = news(of: batch, session, now: now)
        if batch.isEmpty, known.isEmpty { return }
        defer { context.timings.add(context.clock.now - now, to: \.settlement) }
        do throws(OutboxError) {
            let outcomes = try await session.outbox.settle(
                batch.map(\.settlement.result), remembering: known.map { $0.record(now: now) })
            for known in known { remembered[known.businessID] = known }
            for (entry, outcome) in zip(batch, outcomes) { answer(entry.id, outcome) }
        } catch {
            if case .failed(let text) = error {
                for entry in batch { answer(entry.id, .refused(error: text)) }
                rememberLater(known)
            } else {
                waiting = batch + waiting
                detach(session)
                session.fail(error)
            }
        }
    }

    /// The latest of each business, and only where its owner is the session that writes.
    private func news(of batch: [Waiting], _ session: LiveSession, now: Moment) -> [KnownBusiness] {
        var latest = toRemember
        toRemember = [:]
        for entry in batch { latest.keep(entry.settlement.known) }
        var news: [KnownBusiness] = []
        for known in latest.values where known.owner === session {
            if known.isNews(after: remembered[known.businessID], now: now) {
                putOff[known.businessID] = nil
                news.append(known)
            } else if known.hasOtherQuota(than: remembered[known.businessID]) {
                putOff(known)
            }
        }
        return news.sorted { $0.businessID < $1.businessID }
    }

    /// Else a burst's last requests would not be counted where others read, until the next burst.
    private func putOff(_ known: KnownBusiness) {
        let isUnderWay = putOff[known.businessID] != nil
        putOff.keep(known)
        guard !isUnderWay else { return }
        context.jobs.start { [context] in
            await context.clock.sleep(until: context.clock.now + KnownBusiness.pause)
            await self.rememberPutOff(known.businessID)
        }
    }

    private func rememberPutOff(_ businessID: Int64) {
        guard let known = putOff.removeValue(forKey: businessID) else { return }
        remember(known)
    }

    /// Writes what was put off, before the end. Where that fails, the next owner learns it from the Market's first answer.
    func rememberAllPutOff() async {
        guard let session else { return }
        let now = context.clock.now
        for known in toRemember.values { putOff.keep(known) }
        let known = putOff.values.filter { $0.owner === session }.sorted { $0.businessID < $1.businessID }
        (putOff, toRemember) = ([:], [:])
        guard !known.isEmpty else { return }
        _ = try? await session.outbox.settle([], remembering: known.map { $0.record(now: now) })
    }

    private func rememberLater(_ known: [KnownBusiness]) {
        guard !known.isEmpty else { return }
        context.jobs.start { [context] in
            await context.clock.sleep(until: context.clock.now + Self.pause)
            for known in known { await self.remember(known) }
        }
    }

    private func startApart(_ businessID: Int64) {
        guard session != nil, businessesUnderWay.insert(businessID).inserted else { return }
        context.jobs.start { await self.writeApart(businessID) }
    }

    private func writeApart(_ businessID: Int64) async {
        defer { businessesUnderWay.remove(businessID) }
        while let session, let batch = apart.removeValue(forKey: businessID) {
            do throws(OutboxError) {
                let outcomes = try await session.outbox.settleApart(batch.map(\.settlement.result))
                for (entry, outcome) in zip(batch, outcomes) { answer(entry.id, outcome) }
            } catch {
                if case .failed(let text) = error {
                    // The worker tries again after a pause.
                    for entry in batch { answer(entry.id, .refused(error: text)) }
                } else {
                    apart[businessID] = batch + (apart[businessID] ?? [])
                    await context.clock.sleep(until: context.clock.now + Self.pause)
                    if Task.isCancelled { return }
                }
            }
        }
    }

    private nonisolated func answer(_ id: Int, _ outcome: RowOutcome?) {
        guard let continuation = answers.withLock({ $0.removeValue(forKey: id) }) else { return }
        count.subtract(1, ordering: .relaxed)
        continuation.resume(returning: outcome)
    }
}
