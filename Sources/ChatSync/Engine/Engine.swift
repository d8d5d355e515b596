public import ChatOutbox
public import Logging
public import MarketAPI
import Synchronization

/// The whole work: from due rows to settled ones, for any number of businesses, on one database session.
///
/// It knows the database and the Market only by `Outbox` and `MarketClient`, and time and chance only by its clock and
/// random source, so it runs under simulation as it runs in production.
public final class Engine: Sendable {
    /// A loop that has not turned for this long is stuck: no statement and no pause takes so long.
    static let stallLimit = Duration.seconds(70)
    /// For the transaction that writes results.
    static let writeStallLimit = Duration.seconds(600)

    private let context: EngineContext
    private let workers: [BusinessWorker]
    private let settler: Settler
    private let supervisor: SessionSupervisor
    private let host: HostMonitor
    private let endings: WorkerEndings
    private let drainSignal = WakeSignal()
    private let keySignal = WakeSignal()
    private let phase = Mutex(EngineStatus.Phase.starting)

    /// - Parameters:
    ///   - configuration: which businesses, and how.
    ///   - outbox: the database.
    ///   - market: without repeats; the engine adds them.
    ///   - clock: for all times.
    ///   - random: for jitter.
    ///   - logger: what the journal is to know.
    public init(
        configuration: EngineConfiguration, outbox: any Outbox, market: any MarketClient,
        clock: EngineClock = .continuous, random: EngineRandom = .system, logger: Logger
    ) {
        let timers = TimerQueue(clock: clock)
        let context = EngineContext(
            configuration: configuration, outbox: outbox, clock: clock, random: random, logger: logger, timers: timers)
        let settler = Settler(context: context)
        let host = HostMonitor(clock: clock, random: random, timers: timers)
        let endings = WorkerEndings(count: configuration.businessIDs.count)
        self.context = context
        self.settler = settler
        self.host = host
        self.endings = endings
        workers = configuration.businessIDs.enumerated().map { index, businessID in
            BusinessWorker(
                businessID: businessID, index: index, context: context, market: market, settler: settler, host: host,
                onEnd: { endings.add($0, of: businessID) })
        }
        supervisor = SessionSupervisor(context: context, workers: workers, settler: settler)
    }

    /// Works until ``drain()`` or, with `isOnce`, until nothing is left that can be settled now.
    ///
    /// - Returns: what could not be done, for people; empty where all was. Only with `isOnce` it can be other than empty.
    /// - Throws: `OutboxError`, where the outbox is of no use from the start.
    @discardableResult
    public func run() async throws(OutboxError) -> [String] {
        phase.withLock { if $0 == .starting { $0 = .running } }
        defer { phase.withLock { $0 = .stopped } }
        let result = await withTaskGroup(of: Part.self) { group in
            group.addTask { .worked(await self.work()) }
            group.addTask { await self.keepSession() }
            for help in [passOnKeys, passOnHostChanges, passOnTimers, settler.run, context.jobs.run] {
                group.addTask {
                    await help()
                    return .helperEnded
                }
            }
            var result: Result<[String], OutboxError> = .success([])
            for await part in group {
                switch part {
                case .worked(let left):
                    if case .success = result { result = .success(left) }
                    group.cancelAll()
                case .sessionEnded(let error):
                    if let error {
                        result = .failure(error)
                        group.cancelAll()
                    }
                case .helperEnded: break
                }
            }
            return result
        }
        return try result.get()
    }

    /// Take no more rows and finish what is held, within `drainTimeout`; then ``run()`` returns.
    public func drain() {
        phase.withLock { if $0 != .stopped { $0 = .draining } }
        drainSignal.signal()
    }

    /// The API keys were read again: businesses that are held for theirs are tried now.
    public func credentialsChanged() {
        keySignal.signal()
    }

    /// What it does, at this moment.
    public var status: EngineStatus {
        let now = context.clock.now
        let isTurning =
            endings.areAll
            || [supervisor.lastTurn, context.timers.lastTurn].allSatisfy { now - $0 < Self.stallLimit }
        return EngineStatus(
            phase: phase.withLock { $0 }, database: supervisor.database,
            businesses: workers.map { $0.snapshot.withLock { $0 }.status(at: now) },
            isMakingProgress: isTurning && settler.writingFor(now: now) < Self.writeStallLimit,
            timings: context.timings.current,
            databaseFor: max(now - supervisor.databaseSince, .zero))
    }

    private enum Part: Sendable {
        case worked([String])
        case sessionEnded(OutboxError?)
        case helperEnded
    }

    private func keepSession() async -> Part {
        do {
            try await supervisor.run()
            return .sessionEnded(nil)
        } catch {
            return .sessionEnded(error)
        }
    }

    private func passOnKeys() async {
        while !Task.isCancelled {
            await keySignal.wait()
            guard !Task.isCancelled else { return }
            for worker in workers { await worker.handle(.keysChanged) }
        }
    }

    private func passOnHostChanges() async {
        while !Task.isCancelled {
            await host.changed.wait()
            guard !Task.isCancelled else { return }
            if host.state == .away {
                context.logger.warning("The Market's host cannot be reached: one request at a time asks for it")
            } else {
                context.logger.notice("The Market's host can be reached again")
            }
            for worker in workers { await worker.hostChanged() }
        }
    }

    private func passOnTimers() async {
        await context.timers.run { key in
            if key == HostMonitor.timer {
                if let index = host.letOneProbe() { await workers[index].handle(.host(.probing)) }
            } else {
                await workers[key].handle(.timer)
            }
        }
    }

    /// Runs the workers; once they are told to drain, for `drainTimeout` at most.
    private func work() async -> [String] {
        let drainTimeout = context.configuration.drainTimeout
        return await withTaskGroup(of: WorkEnding.self) { group in
            group.addTask {
                let left = await self.endings.all()
                await self.settler.rememberAllPutOff()
                return .workersEnded(left: left)
            }
            group.addTask {
                await self.drainSignal.wait()
                guard !Task.isCancelled else { return .notDrained }
                for worker in self.workers { await worker.handle(.drain) }
                await self.context.clock.sleep(until: self.context.clock.now + drainTimeout)
                guard !Task.isCancelled else { return .notDrained }
                self.logWhatIsAbandoned()
                return .drainWasCut
            }
            var left: [String] = []
            var wasCut = false
            while let ended = await group.next() {
                switch ended {
                case .workersEnded(let endings): left = endings
                case .drainWasCut: wasCut = true
                case .notDrained: break
                }
                group.cancelAll()
            }
            if !wasCut, left.isEmpty, !Task.isCancelled { logTheEnd() }
            return left
        }
    }

    private enum WorkEnding: Sendable {
        case workersEnded(left: [String])
        case drainWasCut
        case notDrained
    }

    private func logTheEnd() {
        if phase.withLock({ $0 == .draining }) {
            context.logger.notice("Drained: all calls are settled")
        } else if context.configuration.isOnce {
            context.logger.notice("Done: nothing is left that can be settled now")
        }
    }

    /// The drain's time is over.
    private func logWhatIsAbandoned() {
        let calls = workers.reduce(0) { $0 + $1.snapshot.withLock(\.status.inFlight) }
        context.logger.warning(
            "Drain cut at CHATD_DRAIN_TIMEOUT: nothing is lost, these calls are made again at the next start",
            metadata: ["calls": "\(calls)", "results": "\(settler.unwritten)"])
    }
}
