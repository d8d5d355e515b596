public import ChatOutbox
public import Logging
public import MarketAPI
import Synchronization

/// The whole work: from due rows to settled ones, for any number of businesses, on one database session.
///
/// It knows the database and the Market only by ``Outbox`` and `MarketClient`, and time and chance only by its clock and
/// random source, so it runs under simulation as it runs in production.
public final class Engine: Sendable {
    /// No loop sleeps longer than this without a look around, be the poll interval ever so long.
    static let longestSleep = Duration.seconds(10)
    /// A loop that has not turned for this long is stuck: no statement and no pause takes so long.
    static let stallLimit = Duration.seconds(70)
    /// For the loop that writes results: a database may be slow to refuse them one by one.
    static let writeStallLimit = Duration.seconds(600)

    private let context: EngineContext
    private let workers: [BusinessWorker]
    private let settler: Settler
    private let keeper: SessionKeeper
    private let drainBell = Doorbell()
    private let keyBell = Doorbell()
    private let phase = Mutex(EngineStatus.Phase.starting)

    /// - Parameters:
    ///   - market: without repeats; the engine adds them.
    ///   - random: for jitter.
    public init(
        configuration: EngineConfiguration, outbox: any Outbox, market: any MarketClient,
        clock: EngineClock = .continuous, random: EngineRandom = .system, logger: Logger
    ) {
        let failure = SessionFailure()
        let context = EngineContext(
            configuration: configuration, outbox: outbox, clock: clock, random: random, logger: logger,
            sessionFailed: { failure.report($0, $1) })
        let settler = Settler(context: context)
        let repeats = RepeatPermissions()
        let retrying = Self.retrying(market, clock: clock, random: random) { repeats.allow($0) }
        let workers = configuration.businessIDs.map {
            BusinessWorker(businessID: $0, context: context, market: retrying, settler: settler)
        }
        repeats.workers.withLock { $0 = Dictionary(uniqueKeysWithValues: workers.map { ($0.businessID, $0) }) }
        self.context = context
        self.settler = settler
        self.workers = workers
        keeper = SessionKeeper(context: context, workers: workers, settler: settler, failure: failure)
    }

    private static func retrying<Base: MarketClient>(
        _ market: Base, clock: EngineClock, random: EngineRandom,
        mayRetry: @escaping @Sendable (CreateChatRequest) -> Bool
    ) -> any MarketClient {
        RetryingMarketClient(market, clock: clock.base, random: { random.next() }, mayRetry: mayRetry)
    }

    /// Works until ``drain()`` or, with `isOnce`, until nothing is left that can be settled now.
    ///
    /// - Returns: what could not be done, for people; empty where all was. Only with `isOnce` it can be other than empty.
    /// - Throws: ``OutboxError``, where the outbox is of no use from the start.
    @discardableResult
    public func run() async throws(OutboxError) -> [String] {
        phase.withLock { if $0 == .starting { $0 = .running } }
        defer { phase.withLock { $0 = .stopped } }
        let result = await withTaskGroup(of: Part.self) { group in
            group.addTask { .worked(await self.work()) }
            group.addTask { await self.keepSession() }
            group.addTask { await self.passOnCredentials() }
            group.addTask {
                await self.settler.run()
                return .helperEnded
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
        drainBell.ring()
    }

    /// The API keys were read again: businesses that are held for theirs are tried now.
    public func credentialsChanged() {
        keyBell.ring()
    }

    /// What it does, at this moment.
    public var status: EngineStatus {
        let now = context.clock.now
        let boards = workers.map { $0.board.withLock { $0 } }
        let turns = [keeper.lastTurn] + boards.filter { !$0.hasEnded }.map(\.lastTurn)
        let isWriting = now - settler.lastTurn.withLock { $0 } < Self.writeStallLimit
        return EngineStatus(
            phase: phase.withLock { $0 }, database: keeper.database, businesses: boards.map { $0.status(at: now) },
            isMakingProgress: isWriting && turns.allSatisfy { now - $0 < Self.stallLimit })
    }

    private enum Part: Sendable {
        case worked([String])
        case sessionEnded(OutboxError?)
        case helperEnded
    }

    private func keepSession() async -> Part {
        do {
            try await keeper.run()
            return .sessionEnded(nil)
        } catch {
            return .sessionEnded(error)
        }
    }

    private func passOnCredentials() async -> Part {
        while !Task.isCancelled {
            await keyBell.waitUntilCancelled()
            for worker in workers { await worker.credentialsChanged() }
        }
        return .helperEnded
    }

    /// Runs the workers; once they are told to drain, for `drainTimeout` at most.
    private func work() async -> [String] {
        let drainTimeout = context.configuration.drainTimeout
        return await withTaskGroup(of: WorkEnding.self) { group in
            group.addTask { .workersEnded(left: await self.runWorkers()) }
            group.addTask {
                await self.drainBell.waitUntilCancelled()
                guard !Task.isCancelled else { return .notDrained }
                for worker in self.workers { await worker.stop() }
                await self.context.clock.sleep(until: self.context.clock.now + drainTimeout)
                guard !Task.isCancelled else { return .notDrained }
                self.tellWhatIsAbandoned()
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
            if !wasCut, left.isEmpty, !Task.isCancelled { tellTheEnd() }
            return left
        }
    }

    private enum WorkEnding: Sendable {
        case workersEnded(left: [String])
        case drainWasCut
        case notDrained
    }

    private func tellTheEnd() {
        if phase.withLock({ $0 == .draining }) {
            context.logger.notice("Drained: all calls are settled")
        } else if context.configuration.isOnce {
            context.logger.notice("Done: nothing is left that can be settled now")
        }
    }

    /// The drain's time is over.
    private func tellWhatIsAbandoned() {
        let calls = workers.reduce(0) { $0 + $1.board.withLock(\.status.inFlight) }
        context.logger.warning(
            "Drain cut at CHATD_DRAIN_TIMEOUT: nothing is lost, these calls are made again at the next start",
            metadata: ["calls": "\(calls)", "results": "\(settler.unwritten)"])
    }

    private func runWorkers() async -> [String] {
        await withTaskGroup(of: (Int64, WorkerEnding).self) { group in
            for worker in workers { group.addTask { (worker.businessID, await worker.run()) } }
            var left: [String] = []
            for await case (let businessID, .left(let why)) in group { left.append("business \(businessID): \(why)") }
            return left.sorted()
        }
    }
}

/// Tells the retrying client whether a request may be repeated at once. Made before the workers are, hence the lock.
private final class RepeatPermissions: Sendable {
    let workers = Mutex<[Int64: BusinessWorker]>([:])

    func allow(_ request: CreateChatRequest) -> Bool {
        workers.withLock { $0[request.businessID] }?.mayRepeat ?? false
    }
}
