import ChatOutbox
import ChatSync
import Synchronization
import TestSupport
import Testing

extension Simulation.Plan {
    /// The poll is an hour away: it comes to nobody's rescue.
    static func quiet(_ businessIDs: [Int64] = [11]) -> Simulation.Plan {
        Simulation.Plan(businessIDs: businessIDs, pollInterval: .seconds(3600))
    }
}

/// Nothing is forgotten on a quiet business.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10)), .serialized) struct QuietBusinessTests {
    @Test func aRowThatWasPutOffIsSentWhenItIsDue() async {
        let simulation = Simulation(seed: 21, plan: .quiet())
        await simulation.run { world in
            world.start()
            await world.pass(.seconds(2))
            world.insert([world.row(11, 1, .foundAfter(world.now + .seconds(10)))])
            // Asked after 2, 4 and 8 seconds at most and not found, a row is put off for 32.
            let isCreated = await world.wait(atMost: .seconds(45)) { world.rows("created").count == 1 }
            #expect(isCreated)
        }
    }

    /// Others read it, the next owner first of all.
    @Test(arguments: [false, true]) func afterABurstWhatIsLeftOfTheQuotaIsWritten(isDrained: Bool) async {
        var plan = Simulation.Plan.quiet()
        plan.quota = 1000
        let simulation = Simulation(seed: 25, plan: plan)
        await simulation.run { world in
            let instance = world.start()
            await world.pass(.seconds(5))
            world.insert((1...100).map { world.row(11, $0) })
            let areCreated = await world.wait(atMost: .seconds(60)) { world.rows("created").count == 100 }
            #expect(areCreated)
            if isDrained { instance.engine.drain() }
            await world.pass(isDrained ? .milliseconds(100) : .seconds(5))
            let known = world.database.state.withLock { $0.records[11]?.quota?.remaining }
            #expect(known == 900)
        }
    }

    @Test func aRowThatTheDatabaseRefusedIsTriedAgain() async {
        let simulation = Simulation(seed: 22, plan: .quiet())
        await simulation.run { world in
            world.insert([world.row(11, 1, trigger: .refusesEverything)])
            world.start()
            await world.pass(.seconds(10))
            world.calm()
            let isCreated = await world.wait(atMost: .seconds(10)) { world.rows("created").count == 1 }
            #expect(isCreated)
        }
    }

    @Test func afterAnOutageNoRowWaitsForItsPart() async {
        let simulation = Simulation(seed: 23, plan: .quiet())
        await simulation.run { world in
            world.market.state.withLock { $0.faults.isOut = true }
            world.insert([world.row(11, 1), world.row(11, 2)])
            world.start()
            await world.pass(.seconds(1800))
            world.calm()
            // A probe within a minute; and each attempt that was burned before the circuit opened puts off for seconds.
            let areCreated = await world.wait(atMost: .seconds(75)) { world.rows("created").count == 2 }
            #expect(areCreated, "\(world.rows("pending"))")
        }
    }

    @Test func aNewKeyFreesEveryRowAtOnce() async {
        let simulation = Simulation(seed: 24, plan: .quiet())
        await simulation.run { world in
            world.market.state.withLock { $0.faults.keyIsInvalid = true }
            world.insert((1...6).map { world.row(11, $0) })
            let instance = world.start()
            await world.pass(.seconds(3500))
            world.calm()
            instance.engine.credentialsChanged()
            let areCreated = await world.wait(atMost: .seconds(2)) { world.rows("created").count == 6 }
            #expect(areCreated, "\(world.rows("pending").count) are left")
        }
    }

    @Test func aResumedBusinessSendsAtOnce() async {
        let simulation = Simulation(seed: 25, plan: .quiet())
        await simulation.run { world in
            world.setPaused(11, true)
            world.insert([world.row(11, 1)])
            world.start()
            await world.pass(.seconds(100))
            #expect(world.rows("pending").count == 1)
            world.setPaused(11, false)
            let isCreated = await world.wait(atMost: .seconds(1)) { world.rows("created").count == 1 }
            #expect(isCreated)
        }
    }

    @Test func whatIsDueIsShownAsItIsSettled() async {
        let simulation = Simulation(seed: 31, plan: .quiet())
        await simulation.run { world in
            let instance = world.start()
            await world.pass(.seconds(3))
            world.insert((1...6).map { world.row(11, $0) })
            _ = await world.wait(atMost: .seconds(9)) { world.rows("pending").isEmpty }
            await world.pass(.seconds(1))
            #expect(instance.engine.status.businesses[0].due == 0)
        }
    }
}
