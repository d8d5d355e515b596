import ChatSync
import Synchronization
import Testing

// How an engine ends.
extension EngineTests {
    @Test func drainFinishesWhatIsInFlightAndSendsNothingNew() async {
        let simulation = Simulation(seed: 13, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            world.insert((1...200).map { world.row(11, $0) })
            let instance = world.start()
            await world.pass(.seconds(1))
            instance.engine.drain()
            let drainedAt = world.now
            _ = await instance.task.value
            #expect(world.now - drainedAt < .seconds(1))
            let asked = world.rows.filter { timesAsked(world, $0) > 0 }
            #expect(!asked.isEmpty && asked.count < 200)
            #expect(asked.allSatisfy { $0.state == "created" }, "what was sent is written")
            #expect(instance.engine.status.phase == .stopped)
        }
    }

    @Test func drainEndsInTimeThoughTheMarketHangsAndTheDatabaseIsAway() async {
        var plan = Simulation.Plan(businessIDs: [11])
        plan.market.slow = 1
        let simulation = Simulation(seed: 14, plan: plan)
        await simulation.run { world in
            world.insert((1...5).map { world.row(11, $0) })
            let instance = world.start()
            await world.pass(.seconds(1))
            instance.outbox.faults.withLock { $0 = DatabaseFaults(lostBefore: 1, refusedSession: 1) }
            instance.engine.drain()
            let drainedAt = world.now
            _ = await instance.task.value
            #expect(world.now - drainedAt <= .seconds(31))
        }
    }

    @Test func onceSettlesWhatIsDueAndEnds() async {
        let simulation = Simulation(seed: 15, plan: Simulation.Plan())
        await simulation.run { world in
            world.insert((1...50).map { world.row($0 % 2 == 0 ? 11 : 22, $0) })
            world.insert([world.row(11, 99, dueIn: .seconds(3600))])
            let instance = world.start(isOnce: true)
            let result = await instance.task.value
            #expect(result == .success([]))
            #expect(world.rows("created").count == 50 && world.rows("pending").count == 1)
            #expect(world.now < .seconds(60))
        }
    }

    @Test func onceSaysWhatItLeaves() async {
        var plan = Simulation.Plan(businessIDs: [11])
        plan.market.keyIsInvalid = true
        let simulation = Simulation(seed: 16, plan: plan)
        await simulation.run { world in
            world.insert((1...5).map { world.row(11, $0) })
            let result = await world.start(isOnce: true).task.value
            guard case .success(let left) = result else { return #expect(Bool(false), "\(result)") }
            #expect(left.count == 1 && left[0].hasPrefix("business 11: authorization: 401"), "\(left)")
        }
    }
}
