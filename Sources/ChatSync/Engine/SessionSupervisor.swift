import ChatOutbox
import Logging
import Synchronization

/// Keeps one session with the outbox open, and becomes the owner of every business that has none.
///
/// A database that is away is waited for. The session is proved by the poll: all else may look alive when it is not.
actor SessionSupervisor {
    /// Between two tries to open a session; the first comes almost at once, since a failover is a matter of moments.
    static let reconnecting = Backoff(base: .milliseconds(50), max: .seconds(5))
    /// A session that ends sooner counts as a failed try: whatever ends it may end the next one too.
    static let shortLife = Duration.seconds(5)
    /// Between two tries where waiting alone does not help, and a person has to act.
    static let unusablePause = Duration.seconds(10)
    /// A wait for a vacancy that ends sooner, with nothing to claim then, was in vain: others were faster. For strangers
    /// nobody waits, so with them it may be the question that took longer.
    static let vainWait = Duration.milliseconds(20)
    /// After waits in vain, one after the other: the locks of a process that ends are freed one by one.
    static let afterVainWaits = Backoff(base: .milliseconds(1), max: .seconds(1))

    private let context: EngineContext
    private let workers: [BusinessWorker]
    private let workersByID: [Int64: BusinessWorker]
    private let settler: Settler
    private nonisolated let state: Mutex<State>
    /// Whether the database was there, or away, at least once.
    private var hasHadOutcome = false
    /// Once for each time that the database is away; the rest is for those who debug.
    private var hasLoggedWaiting = false
    private var vainWaits = 0
    private var strangers: Set<StrangeOwner> = []

    private struct State {
        private(set) var database = EngineStatus.Database.connecting(problem: nil)
        /// When it was found or lost.
        private(set) var since: Moment
        var lastTurn: Moment

        init(now: Moment) {
            since = now
            lastTurn = now
        }

        mutating func becomes(_ database: EngineStatus.Database, now: Moment) {
            if (database == .connected) != (self.database == .connected) { since = now }
            self.database = database
        }
    }

    init(context: EngineContext, workers: [BusinessWorker], settler: Settler) {
        self.context = context
        self.workers = workers
        workersByID = Dictionary(uniqueKeysWithValues: workers.map { ($0.businessID, $0) })
        self.settler = settler
        state = Mutex(State(now: context.clock.now))
    }

    nonisolated var database: EngineStatus.Database { state.withLock(\.database) }
    nonisolated var databaseSince: Moment { state.withLock(\.since) }
    nonisolated var lastTurn: Moment { state.withLock(\.lastTurn) }

    /// Runs until the task is cancelled.
    ///
    /// - Throws: `OutboxError`, where the very first try finds what waiting does not mend: somebody who has just started
    ///   it looks on. Later the same is waited for, loudly: a person may be mending it, and nobody may be there to start
    ///   the daemon again.
    ///   With `isOnce`, whatever keeps a session from coming about: at once where waiting does not mend it, and else
    ///   after `drainTimeout` without a session that lasts.
    func run() async throws(OutboxError) {
        var failures = 0
        var awaySince = context.clock.now
        while !Task.isCancelled {
            turn()
            do {
                let session = LiveSession(try await context.outbox.openSession())
                let opened = context.clock.now
                guard let problem = await keep(session) else { return }
                if context.clock.now - opened >= Self.shortLife { (failures, awaySince) = (0, context.clock.now) }
                try giveUp(on: .unavailable(problem), awaySince: awaySince)
                // The first try comes at once.
                if failures > 0 { await wait(after: .unavailable(problem), failures: failures - 1) }
                hasLoggedWaiting = false
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
        if error.needsPerson, isOnce || !hasHadOutcome { throw error }
        hasHadOutcome = true
        if isOnce, context.clock.now - awaySince > context.configuration.drainTimeout { throw error }
    }

    private func wait(after error: OutboxError, failures: Int) async {
        let pause: Duration
        let text = error.text
        state.withLock { $0.becomes(.connecting(problem: text), now: context.clock.now) }
        switch error {
        case .unavailable, .failed:
            pause = Self.reconnecting.delay(attempts: failures, random: context.random.next())
            logger.log(
                level: hasLoggedWaiting ? .debug : .warning, "Waiting for the database",
                metadata: ["error.message": "\(text)"])
            hasLoggedWaiting = true
        case .unusable, .notPermitted:
            pause = Self.unusablePause
            logger.error("Database is of no use until somebody acts", metadata: ["error.message": "\(text)"])
        }
        await context.clock.sleep(until: context.clock.now + pause)
    }

    /// Uses a session until it is lost or the task is cancelled.
    ///
    /// - Returns: why it was lost.
    private func keep(_ session: LiveSession) async -> String? {
        hasHadOutcome = true
        state.withLock { $0.becomes(.connected, now: context.clock.now) }
        logger.notice("Database session opened", metadata: ["database": "\(session.outbox.place)"])
        await settler.attach(session)
        await withTaskGroup { group in
            group.addTask { await self.passOnSignals(of: session) }
            group.addTask { await self.ownBusinesses(session) }
            group.addTask { await session.untilLost() }
            await group.next()
            group.cancelAll()
        }
        await settler.detach(session)
        for worker in workers { await worker.lose(session) }
        await session.outbox.close()
        guard !Task.isCancelled else { return nil }
        let problem = session.failure ?? "\(session.outbox.place): the connection was closed"
        state.withLock { $0.becomes(.connecting(problem: problem), now: context.clock.now) }
        logger.warning("Database session lost", metadata: ["error.message": "\(problem)"])
        return problem
    }

    private func passOnSignals(of session: LiveSession) async {
        for await signal in session.outbox.signals {
            switch signal {
            case .changed(let businessID): await workersByID[businessID]?.handle(.woken)
            case .coverEnded(let businessID): await workersByID[businessID]?.handle(.coverEnded)
            case .holdEnded(let businessID): await workersByID[businessID]?.handle(.holdEnded)
            }
        }
    }

    /// Claims what has no owner, polls, and waits for either to be due again.
    private func ownBusinesses(_ session: LiveSession) async {
        var roll = OwnedBusinesses(all: workers.map(\.businessID))
        let start = context.clock.now
        var nextPoll = start + context.configuration.pollInterval
        do throws(OutboxError) {
            while !Task.isCancelled {
                turn()
                let isAnswered = try await claim(&roll, session)
                if context.configuration.isOnce, isAnswered { await leaveToOthers(roll, since: start) }
                // Whoever cannot even ask is not to ask in a tight loop.
                if !isAnswered { await context.clock.sleep(until: context.clock.now + .seconds(1)) }
                if context.clock.now >= nextPoll {
                    try await poll(&roll, session)
                    nextPoll = context.clock.now + context.configuration.pollInterval
                }
                await waitForVacancy(
                    among: roll.missing, until: min(nextPoll, context.clock.now + TimerQueue.longestSleep))
            }
        } catch {
            session.fail(error)
        }
    }

    private func leaveToOthers(_ roll: OwnedBusinesses, since start: Moment) async {
        let hasWaited = context.clock.now - start >= context.configuration.drainTimeout
        for businessID in roll.missing {
            await workersByID[businessID]?.handle(.ownedElsewhere(hasWaited: hasWaited))
        }
    }

    /// Those that have rows waiting begin first: where there are thousands, each has a read of its own.
    ///
    /// - Returns: whether the database answered; where not, nothing is known of who owns what.
    private func claim(_ roll: inout OwnedBusinesses, _ session: LiveSession) async throws(OutboxError) -> Bool {
        var records: [BusinessRecord] = []
        var isAnswered = true
        for part in OwnedBusinesses.parts(of: roll.missing) {
            let claimed = try await retrying(session) { () async throws(OutboxError) in
                try await session.outbox.claim(part)
            }
            isAnswered = isAnswered && claimed != nil
            records += claimed ?? []
        }
        guard !records.isEmpty else { return isAnswered }
        roll.gained(records.map(\.businessID))
        if records.count > OwnedBusinesses.partSize { try await poll(&roll, session, isFirst: true) }
        for record in roll.dueFirst(records) {
            await workersByID[record.businessID]?.own(through: session, record: record)
        }
        if records.count <= OwnedBusinesses.partSize { try await poll(&roll, session) }
        return isAnswered
    }

    private func poll(
        _ roll: inout OwnedBusinesses, _ session: LiveSession, isFirst: Bool = false
    ) async throws(OutboxError) {
        for part in OwnedBusinesses.parts(of: roll.owned) {
            let polls =
                try await retrying(session) { () async throws(OutboxError) in try await session.outbox.poll(part) }
                ?? []
            for poll in polls where roll.isNews(poll) && !isFirst {
                await workersByID[poll.businessID]?.handle(.polled(poll))
            }
        }
    }

    /// - Returns: `nil` where the statement failed and the session goes on: the next turn tries again.
    private func retrying<Answer>(
        _ session: LiveSession, _ ask: () async throws(OutboxError) -> Answer
    ) async throws(OutboxError) -> Answer? {
        do {
            return try await ask()
        } catch .failed(let text) {
            logger.warning(
                "A statement failed; tried again soon",
                metadata: ["error.message": "\(session.outbox.place): \(text)"])
            return nil
        } catch {
            throw error
        }
    }

    /// A standby waits until an owner dies; an owner of all just until the next poll.
    private func waitForVacancy(among missing: [Int64], until deadline: Moment) async {
        let start = context.clock.now
        guard !missing.isEmpty, deadline > start else { return await context.clock.sleep(until: deadline) }
        do {
            let strangers = try await context.outbox.waitForVacancy(among: missing, atMost: deadline - start)
            let waited = context.clock.now - start
            guard waited < (strangers.isEmpty ? Self.vainWait : Self.afterVainWaits.max) else {
                vainWaits = 0
                return logStrangers(strangers)
            }
            let pause = Self.afterVainWaits.delay(attempts: vainWaits, random: context.random.next())
            vainWaits += 1
            // One whose process is just ending is none.
            if pause >= .milliseconds(500) { logStrangers(strangers) }
            await context.clock.sleep(until: min(deadline, context.clock.now + pause))
        } catch {
            logger.debug("Cannot wait for a vacancy", metadata: ["error.message": "\(error)"])
            await context.clock.sleep(until: min(deadline, start + .seconds(1)))
        }
    }

    private func logStrangers(_ found: [StrangeOwner]) {
        for stranger in found where strangers.insert(stranger).inserted {
            logger.error(
                "Business owned by a session that is no market-chatd: nobody settles its rows until that session ends",
                metadata: [
                    "business.id": "\(stranger.businessID)", "database.process": "\(stranger.processID)",
                    "database.role": "\(stranger.roleName)", "database.application": "\(stranger.applicationName)",
                    "cure": "SELECT pg_terminate_backend(\(stranger.processID))",
                ])
        }
        strangers.formIntersection(found)
    }

    private func turn() {
        let now = context.clock.now
        state.withLock { $0.lastTurn = now }
    }

    private var logger: Logger { context.logger }
}
