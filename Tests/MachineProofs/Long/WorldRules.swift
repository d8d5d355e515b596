import ChatOutbox
import ChatSync
import MarketAPI

@testable import ChatSync

/// What must hold in a ``World``, by the numbers of `Progress.md`.
struct WorldRules {
    private(set) var violations: [String] = []
    private let plan: WorldPlan
    /// Rule 1: so long a good row may wait while it could be asked for.
    private let patience: Double
    private var window = -1
    private var windowIsBusy = false
    private var repeatsInWindow = 0
    private var unaskedFor = 0.0
    private var sessionsLost = 0
    private(set) var busyWindows = 0

    init(plan: WorldPlan) {
        self.plan = plan
        var patience = 60.0 + Double(plan.rows.count) * (0.2 + plan.latency * 2)
        for row in plan.rows where row.isBad {
            if case .hangs = row.nature { patience += 32 } else { patience += 5 + plan.latency * 1.5 }
        }
        // The host, when it is back, is asked once a minute.
        if plan.episodes.contains(where: { $0.fault == .hostAway }) { patience += 60 }
        self.patience = patience
    }

    private mutating func broken(_ rule: String, _ world: World) {
        violations.append("seed \(world.seed) business \(plan.settings.businessID) at \(world.now): \(rule)")
    }

    // MARK: Time

    /// Nothing happened in this span.
    mutating func timePassed(from start: Double, to end: Double, _ world: World) {
        let span = end - start
        turnWindow(world, at: start)
        let isOwned = world.machine.ownership.isOurs
        let moment = Moment(sinceStart: .seconds(start))
        let hold = world.machine.conditions.hold.map { moment < $0.until } ?? false
        let canSend = isOwned && !hold && hasQuota(world, at: start, moment)
        var isAnyWaiting = false
        var isAnyDue = false
        for index in world.pending {
            let row = world.rows[index]
            guard row.dueAt <= start else { continue }
            checkWrite(row, world, at: start)
            if !row.isAnswered { isAnyDue = true }
            // What failed before and cannot even be put off in the database is put off in memory.
            if case .unwritable = row.nature, row.asks > 0 { continue }
            guard row.asks == 0 || row.attempts == 0, row.isGood(at: start), !row.isAnswered,
                world.machine.rows[row.id].map({ if case .inFlight = $0.place { false } else { true } }) ?? true
            else { continue }
            if row.asks == 0 { isAnyWaiting = true }
            guard canSend, !isSick(row, at: start) else { continue }
            world.rows[index].waited += span
            // One that failed in an outage comes after those that did not, with a tenth of the requests.
            if world.rows[index].waited > (row.asks == 0 ? patience : patience * 3) {
                let place = world.machine.rows[row.id].map { "\($0.place)" } ?? "nowhere"
                broken("rule 1: row \(row.id) waited for \(patience) s, asked \(row.asks) times, is \(place)", world)
                world.rows[index].waited = -1e9
            }
        }
        if !isAnyWaiting || !isOwned || (hold && world.machine.conditions.hold?.kind != .quota) { windowIsBusy = false }
        unaskedFor = isAnyDue && isOwned ? unaskedFor + span : 0
        if unaskedFor > 3661 + plan.settings.windowJitter / .seconds(1) {
            broken("rule 5: not asked for \(unaskedFor) s", world)
            unaskedFor = 0
        }
    }

    private func isSick(_ row: WorldRow, at now: Double) -> Bool {
        plan.episodes.contains { $0.span.contains(now) }
    }

    /// In truth, and as far as the machine can know.
    private func hasQuota(_ world: World, at now: Double, _ moment: Moment) -> Bool {
        let conditions = world.machine.conditions
        if let pause = conditions.parallel.pausedUntil, moment < pause { return false }
        if world.market.remaining(at: now) <= plan.settings.quotaReserve { return false }
        guard let window = conditions.window else { return true }
        return window.remaining - conditions.pacer.lost - world.machine.rows.inFlight > plan.settings.quotaReserve
    }

    private mutating func checkWrite(_ row: WorldRow, _ world: World, at now: Double) {
        guard case .unwritable(let until) = row.nature, row.isAnswered, now > max(until, row.answeredAt) + 5.1 else {
            return
        }
        guard world.machine.ownership.isOurs else { return }
        broken("rule 2: row \(row.id) is unwritten \(now - until) s after it could be", world)
    }

    /// Rule: at least 99.5 % of a window are used while rows wait.
    private mutating func turnWindow(_ world: World, at now: Double) {
        let number = world.market.windowNumber(at: now)
        guard number != window else { return }
        let isUsable =
            plan.isAlone && plan.episodes.isEmpty && plan.badRows == 0 && sessionsLost == 0
            && plan.parallel >= plan.settings.maxParallel && plan.statementFailures == 0
        if windowIsBusy, number == window + 1, isUsable {
            busyWindows += 1
            let usable = plan.limit - plan.settings.quotaReserve
            // A row that is sent in the last moment is counted in the next window.
            let missing = usable - world.market.used
            if Double(missing) > Double(usable) * 0.005 + Double(plan.settings.maxParallel) {
                broken("quota: \(missing) of \(usable) were left though rows waited", world)
            }
        }
        if repeatsInWindow > max(1, plan.limit / 10) + 2 {
            broken("rule 4: \(repeatsInWindow) repeats in a window of \(plan.limit)", world)
        }
        window = number
        windowIsBusy = true
        repeatsInWindow = 0
    }

    // MARK: Events

    mutating func storm(_ world: World) {
        broken("\(world.events) events: something goes round in a circle", world)
    }

    mutating func told(_ event: MachineEvent, _ world: World) {
        if case .lost = event { sessionsLost += 1 }
        if case .owned = event { sessionsLost += world.now > 1 ? 1 : 0 }
        if world.machine.rows.inFlight > plan.settings.maxParallel {
            broken("\(world.machine.rows.inFlight) requests in flight", world)
        }
    }

    mutating func asked(_ row: DueRow, _ world: World) {
        unaskedFor = 0
        guard let index = world.index(of: row.id) else { return }
        if world.rows[index].isAnswered { broken("rule 2: row \(row.id) was asked for again", world) }
        if !world.machine.ownership.isOurs { broken("row \(row.id) was sent by one who owns nothing", world) }
        countRepeat(world.rows[index], world)
        world.rows[index].asks += 1
        world.rows[index].waited = 0
    }

    private mutating func countRepeat(_ row: WorldRow, _ world: World) {
        guard row.asks > 0, plan.episodes.isEmpty, plan.cotenant == 0, plan.headers == .full, sessionsLost == 0 else {
            return
        }
        switch row.nature {
        case .failing, .hangs: return
        case .forbidden: break
        // Put off by nobody: it was refused for the quota.
        default: if row.attempts == 0 { return }
        }
        let circuits = world.machine.conditions.circuits
        let isFreshWaiting = world.pending.lazy.map { world.rows[$0] }.contains {
            $0.dueAt < world.now - 1 && $0.asks == 0 && !circuits[$0.kind].isOpen
        }
        if isFreshWaiting { repeatsInWindow += 1 }
    }

    mutating func written(_ row: WorldRow, _ world: World) {
        if row.state == .rejected, case .forbidden = row.nature { broken("row \(row.id) was rejected for 403", world) }
        if row.state == .rejected, case .failing = row.nature { broken("row \(row.id) was rejected for 5xx", world) }
    }

    // MARK: The end

    mutating func end(_ world: World) {
        let refusals = world.market.quotaRefusals
        if plan.isAlone, sessionsLost == 0, !refusals.isEmpty { broken("quota: 420 though nobody shares it", world) }
        if plan.headers == .full, plan.staleDate == 0, sessionsLost == 0, plan.lostReplies == 0,
            let most = refusals.values.max(), most > plan.settings.maxParallel + 1
        {
            broken("quota: \(most) refusals in one window", world)
        }
        let hours = plan.length / 3600
        for row in world.rows {
            if case .unwritable = row.nature, sessionsLost == 0, plan.lostReplies == 0, plan.episodes.isEmpty,
                row.asks > 1 + refusals.values.reduce(0, +) + world.market.parallelRefusals
            {
                broken("rule 2: the unwritable row \(row.id) was asked for \(row.asks) times", world)
            }
            guard row.isBad, plan.settings.patience.backoff.max >= .seconds(900), plan.episodes.isEmpty,
                sessionsLost == 0, row.asks > Int(hours * 730) + 30
            else { continue }
            broken("row \(row.id) was asked for \(row.asks) times in \(hours) hours", world)
        }
    }
}
