import ChatOutbox
import Logging
import Synchronization

/// Keeps one session with the outbox open, and becomes the owner of every business that has none.
///
/// A database that is away is waited for. The session is proved by the poll: all else may look alive when it is not.
actor SessionKeeper {
    /// Between two tries to open a session; the first comes almost at once, since a failover is a matter of moments.
    static let reconnecting = Backoff(base: .milliseconds(50), max: .seconds(5))
    /// A session that ends sooner counts as a failed try: whatever ends it may end the next one too.
    static let shortLife = Duration.seconds(5)
    /// Between two tries where waiting alone does not help, and a person has to act.
    static let unusablePause = Duration.seconds(30)

    private let context: EngineContext
    private let workers: [BusinessWorker]
    private let settler: Settler
    private let failure: SessionFailure
    private nonisolated let state: Mutex<State>
    private var sessionNumber = 0
    /// Once for each time that the database is away; the rest is for those who debug.
    private var hasToldOfWaiting = false

    private struct State {
        var database = EngineStatus.Database.connecting(problem: nil)
        var lastTurn: Moment
    }

    init(context: EngineContext, workers: [BusinessWorker], settler: Settler, failure: SessionFailure) {
        self.context = context
        self.workers = workers
        self.settler = settler
        self.failure = failure
        state = Mutex(State(lastTurn: context.clock.now))
    }

    nonisolated var database: EngineStatus.Database { state.withLock(\.database) }
    nonisolated var lastTurn: Moment { state.withLock(\.lastTurn) }

    /// Runs until the task is cancelled.
    ///
    /// - Throws: ``OutboxError/unusable(_:)`` where the very first session cannot come about for a reason that waiting
    ///   does not mend. Later the same is waited for: what worked once is likely to be mended under a running daemon.
    ///   With `isOnce`, whatever keeps a session from coming about: at once where waiting does not mend it, and else
    ///   after `drainTimeout` without a session that lasts.
    func run() async throws(OutboxError) {
        var failures = 0
        var awaySince = context.clock.now
        while !Task.isCancelled {
            turn()
            do {
                let session = try await context.outbox.openSession()
                let opened = context.clock.now
                guard let problem = await keep(session) else { return }
                if context.clock.now - opened >= Self.shortLife { (failures, awaySince) = (0, context.clock.now) }
                try giveUp(on: .unavailable(problem), awaySince: awaySince)
                // The first try comes at once.
                if failures > 0 { await wait(after: .unavailable(problem), failures: failures - 1) }
                hasToldOfWaiting = false
            } catch {
                guard !Task.isCancelled else { return }
                try giveUp(on: error, awaySince: awaySince)
                await wait(after: error, failures: failures)
            }
            failures += 1
        }
    }

    /// Throws where there is no point in waiting.
    private func giveUp(on error: OutboxError, awaySince: Moment) throws(OutboxError) {
        let isOnce = context.configuration.isOnce
        if case .unusable = error, isOnce || sessionNumber == 0 { throw error }
        if isOnce, context.clock.now - awaySince > context.configuration.drainTimeout { throw error }
    }

    private func wait(after error: OutboxError, failures: Int) async {
        let pause: Duration
        switch error {
        case .unavailable(let text):
            pause = Self.reconnecting.delay(attempts: failures, chance: context.random.next())
            state.withLock { $0.database = .connecting(problem: text) }
            logger.log(
                level: hasToldOfWaiting ? .debug : .warning, "Waiting for the database",
                metadata: ["error.message": "\(text)"])
            hasToldOfWaiting = true
        case .unusable(let text):
            pause = Self.unusablePause
            state.withLock { $0.database = .connecting(problem: text) }
            logger.error("Database is of no use until somebody acts", metadata: ["error.message": "\(text)"])
        }
        await context.clock.sleep(until: context.clock.now + pause)
    }

    /// Uses a session until it is lost or the task is cancelled.
    ///
    /// - Returns: why it was lost.
    private func keep(_ session: any OutboxSession) async -> String? {
        sessionNumber += 1
        let number = sessionNumber
        failure.watch(number)
        state.withLock { $0.database = .connected }
        logger.notice("Database session opened")
        await settler.attach(session, number: number)
        await withTaskGroup { group in
            group.addTask { await self.passOnSignals(of: session) }
            group.addTask { await self.ownBusinesses(session, number: number) }
            group.addTask { await self.failure.doorbell.waitUntilCancelled() }
            await group.next()
            group.cancelAll()
        }
        await settler.detach(number: number)
        for worker in workers { await worker.loseOwnership(of: number) }
        await session.close()
        guard !Task.isCancelled else { return nil }
        let problem = failure.problem(of: number) ?? "the connection was closed"
        state.withLock { $0.database = .connecting(problem: problem) }
        logger.warning("Database session lost", metadata: ["error.message": "\(problem)"])
        return problem
    }

    private func passOnSignals(of session: any OutboxSession) async {
        let workersByID = Dictionary(uniqueKeysWithValues: workers.map { ($0.businessID, $0) })
        for await signal in session.signals {
            switch signal {
            case .changed(let businessID): workersByID[businessID]?.somethingChanged()
            }
        }
    }

    /// Claims what has no owner, polls, and waits for either to be due again.
    private func ownBusinesses(_ session: any OutboxSession, number: Int) async {
        var owned: [Int64] = []
        var lastPoll: Moment?
        let start = context.clock.now
        let interval = context.configuration.pollInterval
        do {
            while !Task.isCancelled {
                turn()
                let missing = workers.map(\.businessID).filter { !owned.contains($0) }
                let gained = missing.isEmpty ? [] : try await claim(missing, session, number: number)
                owned += gained
                let now = context.clock.now
                if context.configuration.isOnce {
                    let hasWaited = now - start >= context.configuration.drainTimeout
                    for worker in workers where !owned.contains(worker.businessID) {
                        await worker.isOwnedElsewhere(hasWaited: hasWaited)
                    }
                }
                if lastPoll.map({ now - $0 >= interval }) ?? true {
                    try await poll(owned, session)
                    lastPoll = now
                }
                let stillMissing = missing.filter { !gained.contains($0) }
                let nextPoll = (lastPoll ?? now) + interval
                await waitForVacancy(among: stillMissing, until: min(nextPoll, now + Engine.longestSleep))
            }
        } catch {
            context.sessionFailed(number, error)
        }
    }

    private func claim(
        _ missing: [Int64], _ session: any OutboxSession, number: Int
    ) async throws(OutboxError) -> [Int64] {
        let records = try await session.claim(missing)
        for record in records {
            let worker = workers.first { $0.businessID == record.businessID }
            await worker?.own(through: session, number: number, record: record)
        }
        return records.map(\.businessID)
    }

    private func poll(_ owned: [Int64], _ session: any OutboxSession) async throws(OutboxError) {
        for seen in try await session.poll(owned) {
            await workers.first { $0.businessID == seen.businessID }?.polled(seen)
        }
    }

    /// A standby waits until an owner dies; an owner of all just until the next poll.
    private func waitForVacancy(among missing: [Int64], until deadline: Moment) async {
        let start = context.clock.now
        guard !missing.isEmpty, deadline > start else { return await context.clock.sleep(until: deadline) }
        do {
            try await context.outbox.waitForVacancy(among: missing, atMost: deadline - start)
            // Where the wait ends at once and yet nothing can be claimed, others are faster: not in a tight loop.
            if context.clock.now - start < .milliseconds(2) {
                await context.clock.sleep(until: start + .milliseconds(20))
            }
        } catch {
            logger.debug("Cannot wait for a vacancy", metadata: ["error.message": "\(error)"])
            await context.clock.sleep(until: min(deadline, start + .seconds(1)))
        }
    }

    private func turn() {
        let now = context.clock.now
        state.withLock { $0.lastTurn = now }
    }

    private var logger: Logger { context.logger }
}

/// Where everybody reports that the session failed, and the keeper hears of it.
final class SessionFailure: Sendable {
    let doorbell = Doorbell()
    private let state = Mutex<(number: Int, problem: String?)>((0, nil))

    /// From now on it is about this session.
    func watch(_ number: Int) {
        state.withLock { $0 = (number, nil) }
        doorbell.silence()
    }

    func report(_ number: Int, _ error: OutboxError) {
        let isCurrent = state.withLock { state -> Bool in
            guard state.number == number else { return false }
            state.problem = state.problem ?? error.text
            return true
        }
        if isCurrent { doorbell.ring() }
    }

    func problem(of number: Int) -> String? {
        state.withLock { $0.number == number ? $0.problem : nil }
    }
}
