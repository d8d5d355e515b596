import ChatOutbox
import ChatSync
import Synchronization
import TestSupport
import Testing

/// What the engine promises, each in a world made for it.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10)), .serialized) struct EngineTests {
    func firstAsked(_ world: Simulation, _ row: SimulatedDatabase.Row) -> Duration? {
        let key = SimulatedMarket.key(row.businessID, row.contextType, row.contextID)
        return world.market.state.withLock { $0.firstAsked[key] }
    }

    func timesAsked(_ world: Simulation, _ row: SimulatedDatabase.Row) -> Int {
        let key = SimulatedMarket.key(row.businessID, row.contextType, row.contextID)
        return world.market.state.withLock { $0.asked[key] ?? 0 }
    }

    /// The poll is an hour away: only a wake-up that is never lost makes this pass.
    @Test(arguments: 1...30) func aCommittedRowIsSentWithoutWaitingForThePoll(seed: Int) async {
        var plan = Simulation.Plan()
        plan.pollInterval = .seconds(3600)
        let simulation = Simulation(seed: UInt64(seed), plan: plan)
        await simulation.run { world in
            world.start()
            await withTaskGroup { group in
                for producer in 0..<6 {
                    group.addTask {
                        for step in 0..<8 {
                            await world.pass(world.random.duration(.microseconds(10)...(.seconds(3))))
                            let id = Int64(producer * 100 + step + 1)
                            let open = world.database.begin([world.row(11, id)], for: 11)
                            // Some transactions stay open for long, beside those that commit at once.
                            let isLong = world.random.chance(0.2)
                            await world.pass(
                                world.random.duration(.microseconds(10)...(isLong ? .seconds(5) : .milliseconds(3))))
                            world.database.commit(open)
                        }
                    }
                }
            }
            let isSettled = await world.wait(atMost: .seconds(60)) { world.rows("pending").isEmpty }
            #expect(isSettled, "seed \(seed): \(world.rows("pending").count) rows were never noticed")
            for row in world.rows {
                let delay = (firstAsked(world, row) ?? .seconds(9999)) - row.committedAt
                #expect(delay < .milliseconds(900), "seed \(seed): row \(row.id) waited for \(delay)")
            }
        }
    }

    /// Two sessions sleep on one key, and the poll is an hour away.
    @Test(arguments: 1...20) func whoIsCoveredByAnotherSleeperMissesNoRow(seed: Int) async {
        var plan = Simulation.Plan.quiet([11, 22])
        plan.sleepKeys = 1
        let simulation = Simulation(seed: UInt64(seed), plan: plan)
        await simulation.run { world in
            world.start([11])
            world.start([22])
            for id in 1...40 as ClosedRange<Int64> {
                await world.pass(world.random.duration(.milliseconds(1)...(.seconds(2))))
                let business: Int64 = world.random.chance(0.5) ? 11 : 22
                // Many at a time keep an owner awake, so that the other's cover ends.
                let count = world.random.chance(0.3) ? 20 : 1
                let rows = (0..<Int64(count)).map { world.row(business, id * 100 + $0) }
                let open = world.database.begin(rows, for: business)
                await world.pass(world.random.duration(.microseconds(10)...(.milliseconds(30))))
                world.database.commit(open)
            }
            let isSettled = await world.wait(atMost: .seconds(60)) { world.rows("pending").isEmpty }
            #expect(isSettled, "seed \(seed): \(world.rows("pending").count) rows were never noticed")
            #expect(world.database.state.withLock { $0.occurrences[.coveredSleep] ?? 0 } > 0)
            let alone = world.rows.filter { $0.contextID % 100 == 0 }
            for row in alone {
                let delay = (firstAsked(world, row) ?? .seconds(9999)) - row.committedAt
                #expect(delay < .seconds(5), "seed \(seed): row \(row.id) waited for \(delay)")
            }
        }
    }

    @Test func aCoverThatDiesIsMissedByThePoll() async {
        var plan = Simulation.Plan()
        plan.sleepKeys = 1
        let simulation = Simulation(seed: 36, plan: plan)
        await simulation.run { world in
            let cover = world.start([11])
            await world.pass(.seconds(1))
            world.start([22])
            await world.pass(.seconds(3))
            #expect(world.database.state.withLock { $0.occurrences[.coveredSleep] ?? 0 } > 0)
            world.kill(cover)
            // It is silent: nobody sleeps.
            world.insert([world.row(22, 1)])
            let isCreated = await world.wait(atMost: .seconds(11)) { world.rows("created").count == 1 }
            #expect(isCreated)
            await world.pass(.seconds(11))
            #expect(world.database.state.withLock { $0.sleepers[0] != nil }, "it sleeps by itself now")
        }
    }

    @Test func theQuotaIsUsedUpAndNeverExceeded() async {
        var plan = Simulation.Plan(businessIDs: [11])
        plan.quota = 40
        plan.window = .seconds(60)
        let simulation = Simulation(seed: 1, plan: plan)
        await simulation.run { world in
            world.insert((1...300).map { world.row(11, $0) })
            world.start()
            let isSettled = await world.wait(atMost: .seconds(8 * 60)) { world.rows("pending").isEmpty }
            #expect(isSettled, "300 rows at 40 a minute take 8 windows at most, not more")
            #expect(world.market.state.withLock(\.quotaRefusals) == 0)
        }
    }

    @Test func aSharedQuotaCostsAStray420AndNoAttempt() async {
        var plan = Simulation.Plan(businessIDs: [11])
        plan.quota = 20
        plan.window = .seconds(60)
        let simulation = Simulation(seed: 2, plan: plan)
        await simulation.run { world in
            world.insert((1...30).map { world.row(11, $0) })
            for _ in 0..<20 { world.market.spend(11) }
            let instance = world.start()
            _ = await world.wait(atMost: .seconds(600)) { world.rows("pending").isEmpty }
            #expect(world.rows.allSatisfy { $0.state == "created" && $0.attempts == 0 })
            #expect(world.market.state.withLock(\.quotaRefusals) == 1)
            #expect(instance.engine.status.businesses[0].counters.quotaRefusals == 1)
        }
    }

    @Test func aLowerParallelLimitIsFoundAndCostsNoAttempt() async {
        var plan = Simulation.Plan(businessIDs: [11])
        plan.marketParallel = 1
        plan.maxParallel = 3
        let simulation = Simulation(seed: 3, plan: plan)
        await simulation.run { world in
            world.insert((1...100).map { world.row(11, $0) })
            world.start()
            let isSettled = await world.wait(atMost: .seconds(300)) { world.rows("pending").isEmpty }
            #expect(isSettled)
            #expect(world.rows.allSatisfy { $0.attempts == 0 })
            let refusals = world.market.state.withLock(\.parallelRefusals)
            #expect((1...20).contains(refusals), "\(refusals)")
        }
    }

    @Test func aStandbyTakesOverWithinMilliseconds() async {
        let simulation = Simulation(seed: 4, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            let owner = world.start()
            await world.pass(.milliseconds(300))
            let standby = world.start()
            await world.pass(.seconds(3))
            #expect(owner.engine.status.businesses[0].isOwned)
            #expect(!standby.engine.status.businesses[0].isOwned)
            world.kill(owner)
            let killedAt = world.now
            world.insert([world.row(11, 1)])
            _ = await world.wait(atMost: .seconds(20), step: .milliseconds(1)) { !world.rows("created").isEmpty }
            let asked = firstAsked(world, world.rows[0]).map { $0 - killedAt }
            #expect(asked.map { $0 < .milliseconds(100) } == true, "\(String(describing: asked))")
        }
    }

    @Test func aPausedBusinessSendsNothingUntilItIsResumed() async {
        let simulation = Simulation(seed: 10, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            world.database.state.withLock { $0.records[11] = BusinessRecord(businessID: 11, isPaused: true) }
            world.insert((1...5).map { world.row(11, $0) })
            world.start()
            await world.pass(.seconds(100))
            #expect(world.rows("pending").count == 5)
            world.database.state.withLock { $0.records[11]?.isPaused = false }
            let areCreated = await world.wait(atMost: .seconds(11)) { world.rows("created").count == 5 }
            #expect(areCreated, "the poll sees it")
        }
    }

    @Test func higherPriorityGoesFirst() async {
        var plan = Simulation.Plan(businessIDs: [11])
        plan.maxParallel = 1
        let simulation = Simulation(seed: 11, plan: plan)
        await simulation.run { world in
            world.insert((1...30).map { world.row(11, $0, priority: Int16($0 % 3)) })
            world.start()
            _ = await world.wait(atMost: .seconds(60)) { world.rows("pending").isEmpty }
            let order = world.rows.sorted { firstAsked(world, $0)! < firstAsked(world, $1)! }.map(\.priority)
            #expect(order == order.sorted(by: >))
        }
    }

    @Test func aDatabaseThatIsAwayIsWaitedForAtStart() async {
        let simulation = Simulation(seed: 17, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            world.insert([world.row(11, 1)])
            let instance = world.start()
            instance.outbox.faults.withLock { $0.refusedSession = 1 }
            await world.pass(.seconds(600))
            #expect(instance.engine.status.database == .connecting(problem: "refused"))
            #expect(instance.engine.status.isMakingProgress)
            world.calm()
            let isCreated = await world.wait(atMost: .seconds(6)) { world.rows("created").count == 1 }
            #expect(isCreated)
        }
    }

    @Test func anIdleEngineAsksTheDatabaseOncePerPollInterval() async {
        let simulation = Simulation(seed: 18, plan: Simulation.Plan())
        await simulation.run { world in
            world.start()
            await world.pass(.seconds(5))
            let before = world.database.state.withLock(\.statements)
            await world.pass(.seconds(1000))
            let asked = world.database.state.withLock(\.statements) - before
            #expect((99...101).contains(asked), "\(asked) statements in 1,000 s at a poll interval of 10 s")
        }
    }

    @Test func noRowIsSentTwiceWithoutNeed() async {
        let simulation = Simulation(seed: 19, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            world.insert((1...200).map { world.row(11, $0, priority: Int16($0 % 4)) })
            world.start()
            _ = await world.wait(atMost: .seconds(300)) { world.rows("pending").isEmpty }
            #expect(world.rows.allSatisfy { timesAsked(world, $0) == 1 })
        }
    }

    @Test func aTransactionThatStaysOpenIsNotAskedAboutInALoop() async {
        let simulation = Simulation(seed: 20, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            let open = world.database.begin([world.row(11, 1)], for: 11)
            world.start()
            await world.pass(.seconds(5))
            let before = world.database.state.withLock(\.statements)
            await world.pass(.seconds(100))
            let asked = world.database.state.withLock(\.statements) - before
            // At each poll interval a poll, a read and another try to fall asleep.
            #expect(asked <= 33, "\(asked) statements in 100 s")
            // Others are heard all the same.
            world.insert([world.row(11, 2)])
            let isHeard = await world.wait(atMost: .milliseconds(900)) { world.rows("created").count == 1 }
            #expect(isHeard)
            world.database.commit(open)
            let isSettled = await world.wait(atMost: .milliseconds(900)) { world.rows("created").count == 2 }
            #expect(isSettled)
        }
    }
}
