import ChatOutbox
import ChatSync
import Synchronization
import TestSupport
import Testing

/// How the engine ends: drains, runs with `isOnce`, and what counts as progress meanwhile.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10)), .serialized) struct EngineEndTests {
    @Test func drainDoesNotWaitForOtherPeoplesTransactions() async {
        let simulation = Simulation(seed: 26, plan: .quiet())
        await simulation.run { world in
            _ = world.database.begin([world.row(11, 1)], for: 11)
            let instance = world.start()
            await world.pass(.seconds(3))
            instance.engine.drain()
            let drainedAt = world.now
            _ = await instance.task.value
            #expect(world.now - drainedAt < .seconds(1))
        }
    }

    @Test func drainEndsInTimeThoughTheDatabaseHangs() async {
        let simulation = Simulation(seed: 27, plan: .quiet())
        await simulation.run { world in
            let instance = world.start()
            await world.pass(.seconds(3))
            world.insert((1...5).map { world.row(11, $0) })
            await world.pass(.milliseconds(20))
            instance.outbox.faults.withLock { $0.hangs = true }
            await world.pass(.seconds(2))
            instance.engine.drain()
            let drainedAt = world.now
            _ = await instance.task.value
            #expect(world.now - drainedAt <= .seconds(31))
        }
    }

    @Test func onceEndsThoughTheDatabaseGoesAway() async {
        let simulation = Simulation(seed: 28, plan: .quiet())
        await simulation.run { world in
            world.insert((1...500).map { world.row(11, $0) })
            let instance = world.start(isOnce: true)
            await world.pass(.seconds(1))
            instance.outbox.faults.withLock { $0 = DatabaseFaults(lostBefore: 1, refusedSession: 1) }
            let lostAt = world.now
            let result = await instance.task.value
            #expect(result == .failure(.unavailable("refused")), "\(result)")
            #expect(world.now - lostAt < .seconds(60))
        }
    }

    @Test func onceSaysThatTheDatabaseRefusedARow() async {
        let simulation = Simulation(seed: 29, plan: .quiet())
        await simulation.run { world in
            world.insert([world.row(11, 1, trigger: .refusesEverything), world.row(11, 2)])
            let result = await world.start(isOnce: true).task.value
            guard case .success(let left) = result else { return #expect(Bool(false), "\(result)") }
            #expect(left.count == 1 && left[0].contains("1 row"), "\(left)")
            #expect(world.rows("created").count == 1)
        }
    }

    @Test func aLongDrainCountsAsProgress() async {
        var plan = Simulation.Plan.quiet()
        plan.market.slow = 1
        let simulation = Simulation(seed: 30, plan: plan)
        await simulation.run { world in
            let instance = world.start()
            await world.pass(.seconds(900))
            #expect(instance.engine.status.isMakingProgress, "an hour's poll is no reason to be called stuck")
            world.insert([world.row(11, 1)])
            await world.pass(.seconds(1))
            instance.engine.drain()
            for _ in 0..<10 {
                #expect(instance.engine.status.isMakingProgress)
                await world.pass(.seconds(1))
            }
        }
    }
}
