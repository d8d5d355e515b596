import ChatOutbox
import MarketAPI

@testable import ChatSync

/// What must hold for each request in a ``World``, and for each repeat that is allowed.
struct RequestRules {
    private(set) var violations: [String] = []
    private let plan: WorldPlan
    /// The Market said not to ask for these rows before.
    private var notBefore: [Int64: Double] = [:]
    private var sessionsLost = 0
    private var asksInOutage = 0

    init(plan: WorldPlan) {
        self.plan = plan
    }

    private mutating func broken(_ rule: String, _ world: World) {
        violations.append("seed \(world.seed) business \(plan.settings.businessID) at \(world.now): \(rule)")
    }

    /// Whether the headers say all, though answers may be lost.
    private var isCounted: Bool { plan.cotenant == 0 && plan.headers == .full && plan.staleDate == 0 }

    mutating func told(_ event: MachineEvent, _ world: World) {
        let machine = world.machine
        let moment = Moment(sinceStart: .seconds(world.now))
        if case .owned = event { sessionsLost += world.now > 1 ? 1 : 0 }
        if case .keysChanged = event, let hold = machine.conditions.hold, hold.kind.needsPerson, hold.until > moment {
            broken("a new key does not end the hold for the old one", world)
        }
        let number = machine.conditions.pacer.windowNumber
        if machine.conditions.window == nil, machine.rows.flights.count(where: { $0.flight.window == number }) > 1 {
            broken("a window of which nothing is known is asked by many", world)
        }
        if machine.allowsRepeats(now: moment) { repeatsAreAllowed(machine, moment, world) }
    }

    /// After each event, once its commands are carried out, the database knows why nothing is sent.
    mutating func carriedOut(_ world: World) {
        let obstacle = world.machine.obstacle(now: Moment(sinceStart: .seconds(world.now)))?.kind
        guard world.machine.ownership.isOurs,
            obstacle != world.record.hold.flatMap({ Hold.Kind(ofReason: $0.reason) })
        else { return }
        broken("the database knows nothing of \(obstacle.map { "\($0)" } ?? "the end of the hold")", world)
    }

    /// What the next owner would believe.
    mutating func remembered(_ record: BusinessRecord, _ world: World) {
        guard plan.isAlone, sessionsLost == 0, let quota = record.quota else { return }
        let end = world.market.windowEnd(at: world.now)
        // Of the present window, and not of one that is over.
        guard abs(world.now + quota.resetsIn / .seconds(1) - end) < 2 else { return }
        let left = world.market.remaining(at: world.now)
        if quota.remaining > left { broken("\(quota.remaining) are remembered, and \(left) are left", world) }
    }

    private mutating func repeatsAreAllowed(_ machine: BusinessMachine, _ now: Moment, _ world: World) {
        let conditions = machine.conditions
        let isClosed = !conditions.circuits[.order].isOpen && !conditions.circuits[.return].isOpen
        if !machine.ownership.isOurs || conditions.isPaused || conditions.hold != nil || !isClosed
            || machine.host != .reachable
        {
            broken("repeats are allowed where nothing may be sent", world)
        }
        guard let window = conditions.window else { return }
        if now >= window.endsAt || window.remaining - machine.rows.inFlight <= plan.settings.quotaReserve {
            broken("repeats are allowed beyond the quota", world)
        }
    }

    /// Before it goes out.
    mutating func asked(_ row: WorldRow, _ world: World) {
        if let time = notBefore[row.id], world.now < time, sessionsLost == 0 {
            broken("row \(row.id) is asked for \(time - world.now) s before the server's Retry-After is over", world)
        }
        let left = world.market.remaining(at: world.now) - world.market.inFlight
        if row.isSettledElsewhere, !isSuspect(row, world) {
            broken("row \(row.id) is asked for, though another session settled it", world)
        }
        if plan.isAlone, sessionsLost == 0, plan.settings.quotaReserve > 0, left <= plan.settings.quotaReserve, left > 0
        {
            broken("of the quota \(left) are left, and the reserve is \(plan.settings.quotaReserve)", world)
        }
        if plan.has(.out, at: world.now) { asksInOutage += 1 }
    }

    /// What is known of a suspect is older than the session: where all that are due are suspects, it may be gone.
    private func isSuspect(_ row: WorldRow, _ world: World) -> Bool {
        if case .inFlight(let flight) = world.machine.rows[row.id]?.place { flight.suspicion != nil } else { false }
    }

    mutating func answered(_ row: WorldRow, _ reply: MarketReply<CreatedChat>, _ world: World) {
        if let wait = reply.retryAfter { notBefore[row.id] = world.now + min(wait, .seconds(3600)) / .seconds(1) }
    }

    mutating func written(_ row: WorldRow, _ world: World) {
        switch row.nature {
        case .neverFound, .foundAfter:
            let patience = plan.settings.patience.notFound / .seconds(1)
            guard row.state == .rejected, world.now - (row.firstNotFound ?? world.now) < patience else { return }
            broken("row \(row.id) was rejected for 404 before its time", world)
        default: break
        }
    }

    mutating func end(_ world: World) {
        if isCounted, sessionsLost == 0, !world.market.quotaRefusals.isEmpty {
            broken("quota: 420 though nobody shares it and lost answers are counted", world)
        }
        let outage = plan.episodes.reduce(0) { $0 + ($1.fault == .out ? $1.span.upperBound - $1.span.lowerBound : 0) }
        if plan.badRows == 0, plan.episodes.count == 1, sessionsLost == 0,
            Double(asksInOutage) > 60 + outage + Double(plan.rows.count)
        {
            broken("an outage of \(outage) s was asked \(asksInOutage) times", world)
        }
        for row in world.rows {
            guard case .invalid = row.nature, sessionsLost == 0, plan.lostReplies == 0, plan.episodes.isEmpty,
                row.asks > 1 + world.market.quotaRefusals.values.reduce(0, +) + world.market.parallelRefusals
            else { continue }
            broken("the invalid row \(row.id) was asked for \(row.asks) times", world)
        }
    }
}
