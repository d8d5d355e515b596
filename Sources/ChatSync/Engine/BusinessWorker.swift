import ChatOutbox
import Logging
import MarketAPI
import Synchronization

/// Drives the rows of one business from due to settled, while this instance owns it.
///
/// One loop decides one step at a time (``nextStep(now:)``) and carries it out; each request runs in a task of its own
/// beside it. All that is decided about sending is in ``BusinessGate``, all about which row is next in ``DueQueue``.
actor BusinessWorker {
    nonisolated let businessID: Int64
    nonisolated let doorbell = Doorbell()
    /// Set by signals, from any task; taken by the loop.
    private nonisolated let hasChanged = Atomic(false)
    /// Whether the client may repeat a failed request at once.
    private nonisolated let repeatIsFine = Atomic(true)
    nonisolated let board: Mutex<WorkerBoard>

    let context: EngineContext
    let market: any MarketClient
    let settler: Settler
    let logger: Logger
    var gate: BusinessGate
    var queue = DueQueue()
    var inFlight: Set<Int64> = []
    var counters = BusinessStatus.Counters()
    private var ownership: Ownership?
    private var hasOwned = false
    private var hasToldOfWatching = false
    private var isAsleep = false
    private var isWatchingProducers = false
    private var isStopping = false
    private var ending: WorkerEnding?

    /// The session that owns the business for us.
    private struct Ownership {
        var session: any OutboxSession
        var number: Int
    }

    /// What the loop does next.
    private enum Step {
        case send(DueRow, isProbe: Bool)
        case read(after: Watermark?)
        case fallAsleep
        case wakeUp
        case wait(until: Moment)
        case end(WorkerEnding)
    }

    init(businessID: Int64, context: EngineContext, market: any MarketClient, settler: Settler) {
        self.businessID = businessID
        self.context = context
        self.market = market
        self.settler = settler
        var logger = context.logger
        logger[metadataKey: "business.id"] = "\(businessID)"
        self.logger = logger
        let configuration = context.configuration
        gate = BusinessGate(
            maxParallel: configuration.maxParallel, requestsPerWindow: configuration.requestsPerWindow,
            quotaReserve: configuration.quotaReserve)
        let now = context.clock.now
        board = Mutex(WorkerBoard(status: BusinessStatus(businessID: businessID), lastTurn: now, lastPoll: now))
    }

    /// Works until it is told to stop, or in a run with `isOnce` until nothing is left to do; then waits until all in
    /// flight is settled.
    func run() async -> WorkerEnding {
        await withDiscardingTaskGroup { watches in
            // Ends when all that is in flight is settled; who waits for producers is not waited for.
            await withDiscardingTaskGroup { exchanges in
                while ending == nil, !Task.isCancelled {
                    let step = nextStep(now: context.clock.now)
                    publish()
                    await carryOut(step, exchanges: &exchanges, watches: &watches)
                }
            }
            watches.cancelAll()
        }
        publish()
        board.withLock { $0.hasEnded = true }
        return ending ?? .stopped
    }

    private func nextStep(now: Moment) -> Step {
        if isStopping { return .end(.stopped) }
        guard ownership != nil else { return .wait(until: now + Engine.longestSleep) }
        let permission = gate.permission(inFlight: inFlight.count, now: now)
        repeatIsFine.store(gate.allowsRepeats(inFlight: inFlight.count, now: now), ordering: .relaxed)
        switch permission {
        case .send(let isProbe):
            guard settler.hasRoom else { return .wait(until: now + .seconds(1)) }
            return nextRow(isProbe: isProbe, now: now)
        case .waitForAnswer:
            // More rows than can be sent at once: the producers' notifications tell nothing new.
            if isAsleep, queue.isBusy { return .wakeUp }
            return .wait(until: now + Engine.longestSleep)
        case .paused:
            // It may be that it was resumed.
            if hasChanged.exchange(false, ordering: .acquiringAndReleasing) { return .read(after: nil) }
            return idle(until: now + Engine.longestSleep, orEnd: .left("the business is paused"))
        case .wait(let until):
            let reason = gate.obstacle(now: now)?.reason ?? "waiting"
            return idle(until: until, orEnd: until - now > .seconds(5) ? .left(reason) : nil)
        }
    }

    private func nextRow(isProbe: Bool, now: Moment) -> Step {
        if hasChanged.exchange(false, ordering: .acquiringAndReleasing) { queue.mustRead() }
        switch queue.next(isProbe: isProbe, now: now) {
        case .row(let row): return .send(row, isProbe: isProbe)
        case .read(let watermark): return .read(after: watermark)
        case .nothing(let until):
            if !isAsleep, !isWatchingProducers { return .fallAsleep }
            if context.configuration.isOnce, inFlight.isEmpty, queue.unsettled.isEmpty {
                let refused = queue.shelfCount(now: now)
                return .end(refused == 0 ? .done : .left("\(refused) rows have to wait; see their last_error"))
            }
            let latest = now + Engine.longestSleep
            return .wait(until: min(until ?? latest, latest))
        }
    }

    /// Waiting for something else than rows. Producers need not notify meanwhile.
    private func idle(until: Moment, orEnd ending: WorkerEnding?) -> Step {
        if context.configuration.isOnce, let ending, inFlight.isEmpty, queue.unsettled.isEmpty { return .end(ending) }
        queue.mustRead()
        if isAsleep, hasChanged.load(ordering: .acquiring) { return .wakeUp }
        return .wait(until: min(until, context.clock.now + Engine.longestSleep))
    }

    private func carryOut(
        _ step: Step, exchanges: inout DiscardingTaskGroup, watches: inout DiscardingTaskGroup
    ) async {
        switch step {
        case .send(let row, let isProbe):
            inFlight.insert(row.id)
            queue.taken(row)
            exchanges.addTask { await self.exchange(row, isProbe: isProbe) }
        case .read(let watermark):
            let limit = queue.readLimit
            queue.readBegins()
            let found = await ask { session async throws(OutboxError) in
                try await session.readDue(of: self.businessID, limit: limit, after: watermark)
            }
            if let found { take(found, limit: limit, isFromBeginning: watermark == nil) }
        case .fallAsleep:
            let limit = queue.readLimit
            queue.readBegins()
            let answer = await ask { session async throws(OutboxError) in
                try await session.fallAsleep(self.businessID, limit: limit)
            }
            guard let (found, isAsleep) = answer else { break }
            self.isAsleep = isAsleep
            take(found, limit: limit, isFromBeginning: true)
            if !isAsleep, queue.isEmpty { watchProducers(in: &watches) }
        case .wakeUp:
            isAsleep = false
            _ = await ask { session async throws(OutboxError) in try await session.wakeUp(self.businessID) }
        case .wait(let until):
            await doorbell.wait(until: until, on: context.clock)
        case .end(let ending):
            self.ending = ending
        }
    }

    /// While a producer's transaction is open nobody can fall asleep over it; PostgreSQL tells when it has ended.
    private func watchProducers(in group: inout DiscardingTaskGroup) {
        isWatchingProducers = true
        if context.configuration.isOnce { return }
        group.addTask {
            let start = self.context.clock.now
            do throws(OutboxError) {
                try await self.context.outbox.waitForProducers(
                    of: self.businessID, atMost: self.context.configuration.pollInterval)
            } catch {
                await self.tellThatProducersAreNotWatched(error)
                // Looked after again soon, though not at once, lest a broken database be asked in a loop.
                let pause = min(self.context.configuration.pollInterval, .seconds(1))
                await self.context.clock.sleep(until: start + pause)
            }
            await self.producersHaveEnded()
        }
    }

    /// Once for each time that the business is owned.
    private func tellThatProducersAreNotWatched(_ error: OutboxError) {
        guard !hasToldOfWatching, !Task.isCancelled else { return }
        hasToldOfWatching = true
        logger.warning(
            "Producers' open transactions cannot be waited for; rows may be noticed a second late",
            metadata: ["error.message": "\(error.text)"])
    }

    private func producersHaveEnded() {
        isWatchingProducers = false
        doorbell.ring()
    }

    private func take(_ found: DueRows, limit: Int, isFromBeginning: Bool) {
        gate.isPaused = found.isPaused
        if isFromBeginning, found.rows.count < limit { board.withLock { $0.counted(found.rows.count) } }
        queue.found(
            found, limit: limit, isFromBeginning: isFromBeginning, inFlight: inFlight, now: context.clock.now)
    }

    /// Asks the session that owns the business. If it fails, the business is not ours any more.
    ///
    /// - Returns: `nil` where there is no answer, or where it came too late: meanwhile the session was lost.
    private func ask<Answer: Sendable>(
        _ question: (any OutboxSession) async throws(OutboxError) -> Answer
    ) async -> Answer? {
        guard let asked = ownership else { return nil }
        do {
            let answer = try await question(asked.session)
            return ownership?.number == asked.number ? answer : nil
        } catch {
            loseOwnership(of: asked.number)
            context.sessionFailed(asked.number, error)
            return nil
        }
    }
}

// What others tell the worker.
extension BusinessWorker {
    /// The session became the owner of the business.
    func own(through session: any OutboxSession, number: Int, record: BusinessRecord) {
        ownership = Ownership(session: session, number: number)
        hasOwned = true
        hasToldOfWatching = false
        isAsleep = false
        queue.mustRead()
        gate.restore(record, now: context.clock.now)
        logger.notice("Business owned", metadata: ["paused": "\(record.isPaused)"])
        doorbell.ring()
    }

    /// The session with this number is no more. What is in flight goes on: its answers are true, whoever owns the row.
    func loseOwnership(of number: Int) {
        guard ownership?.number == number else { return }
        ownership = nil
        isAsleep = false
        // The next owner may send already.
        repeatIsFine.store(false, ordering: .relaxed)
        queue.forget()
        logger.notice("Business no longer owned")
        doorbell.ring()
    }

    /// In a run with `isOnce`: another session owns the business.
    ///
    /// - Parameter hasWaited: whether it was waited for. A lost session of our own may own it for a while.
    func isOwnedElsewhere(hasWaited: Bool) {
        guard ownership == nil else { return }
        if !hasOwned {
            if ending == nil { logger.notice("Another instance owns the business, and settles its rows") }
            ending = .ownedElsewhere
        } else if hasWaited {
            ending = .left("another session owns the business")
        }
        doorbell.ring()
    }

    /// Take no more rows; finish what is held.
    func stop() {
        isStopping = true
        repeatIsFine.store(false, ordering: .relaxed)
        doorbell.ring()
    }

    /// The key may be another one: a hold for the old one is tried at once.
    func credentialsChanged() {
        gate.recheck(now: context.clock.now)
        queue.forgive()
        doorbell.ring()
    }

    /// The database says that there is something new.
    nonisolated func somethingChanged() {
        hasChanged.store(true, ordering: .releasing)
        doorbell.ring()
    }

    /// The fallback poll saw this.
    func polled(_ poll: BusinessPoll) {
        let now = context.clock.now
        board.withLock { $0.polled(poll, now: now) }
        if poll.isPaused != gate.isPaused {
            gate.isPaused = poll.isPaused
            logger.notice(poll.isPaused ? "Business paused" : "Business resumed")
        }
        let known = inFlight.count + queue.unsettled.count + queue.shelfCount(now: now)
        if poll.due > known { somethingChanged() }
    }

    /// Whether a failed request may be repeated at once.
    nonisolated var mayRepeat: Bool { repeatIsFine.load(ordering: .relaxed) }

    /// Which session owns the business for us, and what its next owner should know.
    func recordForNextOwner() -> (record: BusinessRecord, sessionNumber: Int)? {
        guard let ownership else { return nil }
        return (gate.record(of: businessID, inFlight: inFlight.count, now: context.clock.now), ownership.number)
    }
}

/// Why a worker ended.
enum WorkerEnding: Sendable, Equatable {
    /// It was told to.
    case stopped
    /// Nothing is due any more.
    case done
    /// Rows may be due still, but this stands in their way.
    case left(String)
    /// Another instance owns the business.
    case ownedElsewhere
}

extension BusinessWorker {
    private func publish() {
        let now = context.clock.now
        let counters = counters
        let obstacle = gate.obstacle(now: now)
        let window = gate.window
        let (isOwned, isAsleep, isPaused, inFlight) = (ownership != nil, isAsleep, gate.isPaused, inFlight.count)
        board.withLock { board in
            board.lastTurn = now
            board.status.isOwned = isOwned
            board.status.isAsleep = isAsleep
            board.status.isPaused = isPaused
            board.status.inFlight = inFlight
            board.status.counters = counters
            board.status.hold = obstacle.map {
                BusinessStatus.Hold(reason: $0.reason, endsIn: max($0.until - now, .zero))
            }
            board.status.quota = window.map {
                BusinessStatus.Quota(
                    limit: $0.limit, remaining: max($0.remaining, 0), resetsIn: max($0.endsAt - now, .zero))
            }
        }
    }
}
