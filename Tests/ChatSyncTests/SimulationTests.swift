import ChatOutbox
import ChatSync
import Synchronization
import TestSupport
import Testing

/// The engine in a world of crashes, lost replies and refusals. A seed that fails is an argument of `replay`.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10)), .serialized) struct SimulationTests {
    /// What becomes of that which is wrong with rows and their triggers, at the end.
    enum BadRows { case areMended, stayBad }

    /// The mixed world, at its end.
    @discardableResult
    static func everythingAtOnce(seed: UInt64, badRows: BadRows = .areMended) async -> SimulatedDatabase.State {
        var plan = Simulation.Plan()
        plan.quota = 40
        plan.window = .seconds(60)
        plan.marketParallel = 2
        plan.pollInterval = .seconds(2)
        plan.notFoundPatience = .seconds(120)
        plan.retryMax = .seconds(60)
        plan.sleepKeys = seed % 3 == 0 ? 22 : 1
        plan.database = DatabaseFaults(
            lostBefore: 0.002, lostAfter: 0.002, zombie: 0.3, failed: 0.005, slowWrite: 0.02, refusedSession: 0.1)
        plan.market = MarketFaults(
            serverError: 0.1, lostRequest: 0.02, lostReply: 0.03, malformed: 0.02, slow: 0.02, blindRefusal: 0.002,
            overload: 0.005, migration: 0.001)
        let simulation = Simulation(seed: seed, plan: plan)
        await simulation.run { world in
            await story(of: world, seed: seed, badRows)
            switch badRows {
            case .areMended: await theEnd(of: world, seed: seed)
            case .stayBad: await progress(of: world, seed: seed)
            }
        }
        return simulation.database.state.withLock { $0 }
    }

    private static func story(of world: Simulation, seed: UInt64, _ badRows: BadRows) async {
        // Two for both businesses and one for each, so that sleepers share keys.
        var parts: [[Int64]] = [[11, 22], [11], [22], [11, 22]]
        var instances = parts.map { world.start($0) }
        var next: Int64 = 1
        for _ in 0..<40 {
            await world.pass(world.random.duration(.milliseconds(1)...(.seconds(4))))
            for _ in 0..<world.random.below(4) {
                world.insert([anyRow(world, next, badRows)])
                next += 1
            }
            let isBurst = world.random.chance(0.1)
            if isBurst {
                // Enough to keep the owner awake.
                world.insert((0..<12).map { anyRow(world, next + $0, badRows, business: 11) })
                next += 12
                await world.pass(world.random.duration(.milliseconds(1)...(.milliseconds(300))))
            }
            if isBurst || world.random.chance(0.3) {
                let rows = (0..<3).map { anyRow(world, next + $0, badRows, business: 11) }
                next += 3
                let open = world.database.begin(rows, for: 11)
                await world.pass(world.random.duration(.milliseconds(1)...(.seconds(1))))
                world.database.commit(open)
            }
            if world.random.chance(0.1) {
                world.kill(instances.removeFirst())
                parts.append(parts.removeFirst())
                instances.append(world.start(parts[3]))
            }
            if world.random.chance(0.1) { world.market.spend(22) }
            if world.random.chance(0.1) { world.market.state.withLock { $0.faults.isOut.toggle() } }
            if world.random.chance(0.05) { world.market.state.withLock { $0.faults.isUnreachable.toggle() } }
            if world.random.chance(0.05) { world.market.state.withLock { $0.faults.keyIsInvalid.toggle() } }
            if world.random.chance(0.1) { world.setPaused(22, world.random.chance(0.5)) }
            if world.random.chance(0.1) { world.lockARow(for: world.random.duration(.seconds(1)...(.seconds(20)))) }
            if world.random.chance(0.05) {
                let drained = instances.removeFirst()
                drained.engine.drain()
                parts.append(parts.removeFirst())
                instances.append(world.start(parts[3]))
            }
            let broken = world.brokenRules()
            if !broken.isEmpty { Issue.record("seed \(seed), \(world.now): \(broken)") }
        }
    }

    private static func theEnd(of world: Simulation, seed: UInt64) async {
        world.calm()
        // The longest of all waits: a migration's hold of 15 minutes, and rows behind it.
        let isSettled = await world.wait(atMost: .seconds(1800), step: .seconds(1)) { world.rows("pending").isEmpty }
        #expect(isSettled, "seed \(seed): forgotten: \(world.rows("pending").prefix(3))")
        let statements = world.database.state.withLock(\.statements)
        #expect(Double(statements) < 60 * (world.now / .seconds(1)) + 40 * Double(world.rows.count), "seed \(seed)")
        #expect(world.brokenRules().isEmpty, "seed \(seed): \(world.brokenRules())")
        for row in world.rows {
            let isImpossible = row.contextID % 11 == 0 || row.contextID % 13 == 0
            #expect(row.state == (isImpossible ? "rejected" : "created"), "seed \(seed): \(row)")
        }
    }

    /// No set of bad rows holds back a good one: each good one is created a minute and five seconds for each bad row after
    /// its turn, beyond the holds that are prescribed.
    private static func progress(of world: Simulation, seed: UInt64) async {
        world.calmFaults()
        for businessID in world.plan.businessIDs {
            let bad = world.rows("pending").filter { $0.businessID == businessID && world.isBad($0) }.count
            let good = world.rows("pending").filter { $0.businessID == businessID && !world.isBad($0) }
            // The turn of the last: a backoff of a minute, and a window of the quota for each 36 requests.
            let windows = (good.count + bad) / 36 + 1
            let bound = .seconds(60) + .seconds(5) * bad + world.plan.retryMax + .seconds(60) * windows
            var waited = Duration.zero
            var held = Duration.zero
            func isOneLeft() -> Bool {
                world.rows("pending").contains { $0.businessID == businessID && !world.isBad($0) }
            }
            while isOneLeft(), waited <= bound, held <= .seconds(1800) {
                if world.isHeldAsPrescribed(businessID) { held += .seconds(1) } else { waited += .seconds(1) }
                await world.pass(.seconds(1))
            }
            #expect(
                !isOneLeft(),
                """
                seed \(seed), business \(businessID): \(bad) bad rows, \(good.count) good, waited for \(waited), held for \
                \(held): \(world.rows("pending").filter { $0.businessID == businessID && !world.isBad($0) }.prefix(3))
                """)
        }
        #expect(world.brokenRules().isEmpty, "seed \(seed): \(world.brokenRules())")
        // And what was wrong with rows holds back nothing once it is mended.
        await theEnd(of: world, seed: seed)
    }

    private static func anyRow(
        _ world: Simulation, _ id: Int64, _ badRows: BadRows, business: Int64? = nil
    ) -> SimulatedDatabase.Row {
        let bad: [ContextBehaviour] = [
            .poisoned, .forbidden, .malformed, .overloads(.seconds(30)), .odd(402), .poisoned, .forbidden,
        ]
        let isBad = badRows == .stayBad ? id % 3 == 0 : id % 17 == 0
        let behaviour: ContextBehaviour =
            id % 11 == 0
            ? .invalid
            : id % 13 == 0
                ? .neverFound
                : id % 7 == 0
                    ? .foundAfter(world.now + .seconds(9))
                    : isBad ? bad[world.random.below(bad.count)] : .normal
        let triggers: [SimulatedDatabase.Trigger] = [.refusesEverything, .refusesCreated, .isSlow]
        let trigger = world.random.chance(0.08) ? triggers[world.random.below(3)] : .none
        return world.row(
            business ?? (world.random.chance(0.5) ? 11 : 22), id, type: world.random.chance(0.3) ? "RETURN" : "ORDER",
            priority: Int16(world.random.below(3)), dueIn: world.random.chance(0.2) ? .seconds(3) : .zero, behaviour,
            trigger: trigger)
    }

    @Test(arguments: 1...40)
    func noRowIsLostAndNoneIsSettledTwice(seed: Int) async {
        await Self.everythingAtOnce(seed: UInt64(seed))
    }

    @Test(arguments: 1...30)
    func badRowsThatStayBadHoldBackNoGoodOne(seed: Int) async {
        await Self.everythingAtOnce(seed: UInt64(seed), badRows: .stayBad)
    }

    @Test func aSeedReplaysExactly() async {
        let first = await Self.everythingAtOnce(seed: 4711).journal
        #expect(!first.isEmpty)
        #expect(await Self.everythingAtOnce(seed: 4711).journal == first)
        #expect(await Self.everythingAtOnce(seed: 4712).journal != first)
    }

    /// What never happens is not tested.
    @Test func theMixedWorldHappens() async {
        var all: [SimulatedDatabase.Occurrence: Int] = [:]
        for seed in 1...12 as ClosedRange<UInt64> {
            all.merge(await Self.everythingAtOnce(seed: seed).occurrences, uniquingKeysWith: +)
        }
        for occurrence in SimulatedDatabase.Occurrence.allCases {
            #expect(all[occurrence, default: 0] > 0, "\(occurrence)")
        }
    }
}
