import ChatOutbox
import ChatSync
import Synchronization
import TestSupport
import Testing

/// The engine in a world of crashes, lost replies and refusals. A seed that fails is an argument of `replay`.
@Suite(.seated, .serialized) struct SimulationTests {
    /// The mixed world. Returns the journal of settlements.
    static func everythingAtOnce(seed: UInt64) async -> [String] {
        var plan = Simulation.Plan()
        plan.quota = 40
        plan.window = .seconds(60)
        plan.marketParallel = 2
        plan.pollInterval = .seconds(2)
        plan.notFoundPatience = .seconds(120)
        plan.retryMax = .seconds(60)
        plan.database = DatabaseFaults(lostBefore: 0.002, lostAfter: 0.002, zombie: 0.2, refusedSession: 0.1)
        plan.market = MarketFaults(
            serverError: 0.1, lostRequest: 0.02, lostReply: 0.03, unusable: 0.02, slow: 0.02, blindRefusal: 0.002,
            overload: 0.005, migration: 0.001)
        let simulation = Simulation(seed: seed, plan: plan)
        await simulation.run { world in
            await story(of: world, seed: seed)
        }
        return simulation.database.state.withLock(\.journal)
    }

    private static func story(of world: Simulation, seed: UInt64) async {
        var instances = [world.start(), world.start()]
        var next: Int64 = 1
        for _ in 0..<40 {
            await world.pass(world.random.duration(.milliseconds(1)...(.seconds(4))))
            for _ in 0..<world.random.below(4) {
                world.insert([anyRow(world, next)])
                next += 1
            }
            if world.random.chance(0.3) {
                let rows = (0..<3).map { anyRow(world, next + $0, business: 11) }
                next += 3
                let open = world.database.begin(rows, for: 11)
                await world.pass(world.random.duration(.milliseconds(1)...(.seconds(1))))
                world.database.commit(open)
            }
            if world.random.chance(0.1) {
                world.kill(instances.removeFirst())
                instances.append(world.start())
            }
            if world.random.chance(0.1) { world.market.spend(22) }
            if world.random.chance(0.1) { world.market.state.withLock { $0.faults.isOut.toggle() } }
            if world.random.chance(0.05) { world.market.state.withLock { $0.faults.keyIsInvalid.toggle() } }
            if world.random.chance(0.1) { world.setPaused(22, world.random.chance(0.5)) }
            if world.random.chance(0.05) {
                let drained = instances.removeFirst()
                drained.engine.drain()
                instances.append(world.start())
            }
            let broken = world.brokenRules()
            if !broken.isEmpty { Issue.record("seed \(seed), \(world.now): \(broken)") }
        }
        world.calm()
        // The longest of all waits: a migration's hold of 15 minutes, and rows behind it.
        let isSettled = await world.wait(atMost: .seconds(1800), step: .seconds(1)) { world.rows("pending").isEmpty }
        #expect(isSettled, "seed \(seed): forgotten: \(world.rows("pending").prefix(3))")
        let statements = world.database.state.withLock(\.statements)
        #expect(Double(statements) < 30 * (world.now / .seconds(1)) + 40 * Double(world.rows.count), "seed \(seed)")
        #expect(world.brokenRules().isEmpty, "seed \(seed)")
        for row in world.rows {
            let isImpossible = row.contextID % 11 == 0 || row.contextID % 13 == 0
            #expect(row.state == (isImpossible ? "rejected" : "created"), "seed \(seed): \(row)")
        }
    }

    private static func anyRow(_ world: Simulation, _ id: Int64, business: Int64? = nil) -> SimulatedDatabase.Row {
        let behaviour: ContextBehaviour =
            id % 11 == 0
            ? .invalid
            : id % 13 == 0
                ? .neverFound
                : id % 7 == 0
                    ? .foundAfter(world.now + .seconds(9))
                    : id % 17 == 0 ? .poisoned : id % 59 == 0 ? .forbidden : .normal
        let trigger: SimulatedDatabase.Trigger =
            world.random.chance(0.03) ? .refusesEverything : world.random.chance(0.03) ? .refusesCreated : .none
        return world.row(
            business ?? (world.random.chance(0.5) ? 11 : 22), id, type: world.random.chance(0.3) ? "RETURN" : "ORDER",
            priority: Int16(world.random.below(3)), dueIn: world.random.chance(0.2) ? .seconds(3) : .zero, behaviour,
            trigger: trigger)
    }

    @Test(arguments: 1...100)
    func noRowIsLostAndNoneIsSettledTwice(seed: Int) async {
        _ = await Self.everythingAtOnce(seed: UInt64(seed))
    }

    @Test func aSeedReplaysExactly() async {
        let first = await Self.everythingAtOnce(seed: 4711)
        #expect(!first.isEmpty)
        #expect(await Self.everythingAtOnce(seed: 4711) == first)
        #expect(await Self.everythingAtOnce(seed: 4712) != first)
    }
}
