import ChatOutbox
import ChatSync
import Dispatch
import Logging
import MarketAPI
import Synchronization
import Testing

/// One seed's world: a database, a Market, and instances of the real engine that are started, drained and killed.
final class Simulation: Sendable {
    struct Plan: Sendable {
        var businessIDs: [Int64] = [11, 22]
        var quota = 1000
        var window = Duration.seconds(3600)
        var marketParallel = 4
        var maxParallel = 2
        var pollInterval = Duration.seconds(10)
        var database = DatabaseFaults.none
        var market = MarketFaults.none
        var notFoundPatience = Duration.seconds(7200)
        var retryMax = Duration.seconds(900)
        var quotaReserve = 0
        /// Keys of producers and sleepers: businesses share them.
        var sleepKeys = 1000
    }

    let plan: Plan
    let random: SeededRandom
    let executor: SimulationExecutor
    let clock = SimulatedClock()
    let database: SimulatedDatabase
    let market: SimulatedMarket
    private let instances = Mutex<[Instance]>([])
    private let isOver = Atomic(false)

    /// One process.
    struct Instance: Sendable {
        var engine: Engine
        var outbox: SimulatedOutbox
        var client: SimulatedMarketClient
        var task: Task<Result<[String], OutboxError>, Never>
    }

    init(seed: UInt64, plan: Plan = Plan()) {
        self.plan = plan
        random = SeededRandom(seed: seed)
        executor = SimulationExecutor(random: SeededRandom(seed: seed &+ 1))
        database = SimulatedDatabase(clock: clock, random: random, keys: plan.sleepKeys)
        market = SimulatedMarket(
            clock: clock, random: random, quota: plan.quota, window: plan.window, parallel: plan.marketParallel)
        market.state.withLock { $0.faults = plan.market }
    }

    var now: Duration { clock.now.sinceStart }

    // MARK: Running

    /// Simulations run one after another on a thread of their own: they never wait, so on Swift's pool they would starve the
    /// tests that do.
    private static let lane = DispatchQueue(label: "simulation")

    /// Runs `script` and all that it starts, to the script's end.
    func run(_ script: @escaping @Sendable (Simulation) async -> Void) async {
        // Made here, so that what the script records belongs to this test; it runs on the lane.
        let story = Task(executorPreference: executor) {
            await script(self)
            for instance in self.instances.withLock({ $0 }) {
                instance.outbox.crash()
                instance.task.cancel()
                _ = await instance.task.value
            }
        }
        Task(executorPreference: executor) {
            await story.value
            self.isOver.store(true, ordering: .relaxed)
        }
        let isWell = await withCheckedContinuation { continuation in
            Self.lane.async { continuation.resume(returning: self.runJobs()) }
        }
        if !isWell { Issue.record("deadlock at \(now): nothing runs and nobody sleeps") }
    }

    /// Runs jobs until the script has ended, on this thread. Returns false where nothing is left that could run.
    private func runJobs() -> Bool {
        while !isOver.load(ordering: .relaxed) {
            if !executor.runOneJob(), !clock.advance() { return false }
        }
        return true
    }

    func pass(_ duration: Duration) async {
        try? await clock.sleep(until: clock.now.advanced(by: duration), tolerance: nil)
    }

    /// Waits until `condition` holds, looking every `step`. Returns whether it ever did.
    func wait(atMost limit: Duration, step: Duration = .milliseconds(100), _ condition: () -> Bool) async -> Bool {
        let end = now + limit
        while now < end {
            if condition() { return true }
            await pass(step)
        }
        return condition()
    }

    // MARK: Instances

    @discardableResult
    func start(_ businessIDs: [Int64]? = nil, isOnce: Bool = false) -> Instance {
        let outbox = SimulatedOutbox(
            database: database, clock: clock, random: random, faults: plan.database, idleTimeout: plan.pollInterval * 3)
        let client = SimulatedMarketClient(market: market, outbox: outbox)
        var logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let random = random
        let engine = Engine(
            configuration: EngineConfiguration(
                businessIDs: businessIDs ?? plan.businessIDs, pollInterval: plan.pollInterval, retryMax: plan.retryMax,
                notFoundPatience: plan.notFoundPatience, quotaReserve: plan.quotaReserve,
                maxParallel: plan.maxParallel, isOnce: isOnce),
            outbox: outbox, market: client, clock: EngineClock(clock), random: EngineRandom { random.unit() },
            logger: logger)
        let task = Task(executorPreference: executor) { () -> Result<[String], OutboxError> in
            do throws(OutboxError) { return .success(try await engine.run()) } catch { return .failure(error) }
        }
        let instance = Instance(engine: engine, outbox: outbox, client: client, task: task)
        instances.withLock { $0.append(instance) }
        return instance
    }

    /// kill -9.
    func kill(_ instance: Instance) {
        instance.outbox.crash()
        instance.task.cancel()
    }

    /// No faults of the Market's or the database's own from now on. What is wrong with rows stays wrong.
    func calmFaults() {
        market.state.withLock { $0.faults = .none }
        for instance in instances.withLock({ $0 }) { instance.outbox.faults.withLock { $0 = .none } }
        for businessID in plan.businessIDs { setPaused(businessID, false) }
    }

    /// Besides, what people can mend is mended.
    func calm() {
        calmFaults()
        market.state.withLock { state in
            state.behaviours = state.behaviours.filter { !$0.value.isBadForGood }
        }
        mendTriggers()
    }

    /// Whether a row can be created as things are only when a person mends something.
    func isBad(_ row: SimulatedDatabase.Row) -> Bool {
        if row.trigger == .refusesCreated || row.trigger == .refusesEverything { return true }
        let behaviour = market.state.withLock { $0.behaviours[row.contextID] } ?? .normal
        return behaviour.isBadForGood || behaviour == .neverFound
    }

    /// Whether the owner holds the business for a reason that the contract names, other than a circuit or the quota.
    func isHeldAsPrescribed(_ businessID: Int64) -> Bool {
        let kinds: [Hold.Kind] = [.authorization, .misconfigured, .migration, .overloaded]
        return instances.withLock { $0 }.contains { instance in
            !instance.outbox.isDead
                && instance.engine.status.businesses.contains { business in
                    guard business.businessID == businessID, business.isOwned, let hold = business.hold else {
                        return false
                    }
                    return kinds.contains(hold.kind) && hold.endsIn > .zero
                }
        }
    }

    private func anyPending() -> SimulatedDatabase.Row? {
        let pending = rows("pending")
        return pending.isEmpty ? nil : pending[random.below(pending.count)]
    }

    /// Somebody's transaction holds a row for a while.
    func lockARow(for time: Duration) {
        let end = now + time
        guard let row = anyPending() else { return }
        database.state.withLock { $0.rows[row.id]?.lockedUntil = end }
    }

    func mendTriggers() {
        database.state.withLock { state in
            for id in state.rows.keys { state.rows[id]?.trigger = .none }
        }
    }

    /// An operator's lever; the database notifies the owner.
    func setPaused(_ businessID: Int64, _ isPaused: Bool) {
        database.setPaused(businessID, isPaused)
    }

    // MARK: Rows

    func row(
        _ businessID: Int64, _ contextID: Int64, type: String = "ORDER", priority: Int16 = 0,
        dueIn: Duration = .zero, _ behaviour: ContextBehaviour = .normal, trigger: SimulatedDatabase.Trigger = .none
    ) -> SimulatedDatabase.Row {
        if behaviour != .normal { market.state.withLock { $0.behaviours[contextID] = behaviour } }
        return SimulatedDatabase.Row(
            id: 0, businessID: businessID, contextType: type, contextID: contextID, priority: priority,
            dueAt: now + dueIn, committedAt: .zero, trigger: trigger)
    }

    /// Inserts and commits at once.
    func insert(_ rows: [SimulatedDatabase.Row]) {
        for businessID in plan.businessIDs {
            let own = rows.filter { $0.businessID == businessID }
            if !own.isEmpty { database.commit(database.begin(own, for: businessID)) }
        }
    }

    var rows: [SimulatedDatabase.Row] {
        database.state.withLock { $0.rows.values.sorted { $0.id < $1.id } }
    }

    func rows(_ state: String) -> [SimulatedDatabase.Row] { rows.filter { $0.state == state } }

    // MARK: Rules

    /// What must hold at any moment; what is broken is said.
    func brokenRules() -> [String] {
        var broken = database.state.withLock(\.violations)
        let chats = market.state.withLock(\.chats)
        for row in rows where row.state == "created" {
            let key = SimulatedMarket.key(row.businessID, row.contextType, row.contextID)
            if row.chatID == nil || row.chatID != chats[key] { broken.append("row \(row.id) has a chat ID of its own") }
        }
        for row in rows where row.state != "created" && row.chatID != nil {
            broken.append("row \(row.id) has a chat ID and is \(row.state)")
        }
        broken += market.state.withLock(\.violations)
        let most = instances.withLock { $0 }.map { $0.client.most.withLock { $0 } }.max() ?? 0
        if most > plan.maxParallel { broken.append("\(most) requests in flight, \(plan.maxParallel) allowed") }
        return broken
    }
}
