import ChatSync
import Synchronization
import Testing

// What fails holds back no other.
extension EngineTests {
    @Test func aRowThatAlwaysFailsHoldsBackNoOther() async {
        let simulation = Simulation(seed: 5, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            world.insert((1...10).map { world.row(11, $0, priority: 9, .poisoned) })
            world.insert((11...40).map { world.row(11, $0) })
            world.start()
            let areCreated = await world.wait(atMost: .seconds(900)) { world.rows("created").count == 30 }
            #expect(areCreated, "\(world.rows("created").count) of 30")
            #expect(world.rows("pending").count == 10)
        }
    }

    @Test func rowsThatAreForbiddenHoldBackNoOther() async {
        let simulation = Simulation(seed: 6, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            world.insert((1...2).map { world.row(11, $0, priority: 9, .forbidden) })
            world.insert((11...60).map { world.row(11, $0) })
            world.start()
            // Others are tried five seconds after each of the two.
            let areCreated = await world.wait(atMost: .seconds(20)) { world.rows("created").count == 50 }
            #expect(areCreated, "\(world.rows("created").count) of 50")
            world.insert([world.row(11, 99)])
            await world.pass(.seconds(3600))
            #expect(world.rows("created").count == 51)
            for row in world.rows.prefix(2) {
                #expect(row.state == "pending" && row.attempts == 0)
                #expect((2...9).contains(timesAsked(world, row)), "less and less often: \(timesAsked(world, row))")
            }
        }
    }

    @Test func aKeyThatMayDoNothingHoldsTheBusinessAfterTenRows() async {
        let simulation = Simulation(seed: 32, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            world.insert((1...30).map { world.row(11, $0, type: $0 % 2 == 0 ? "ORDER" : "RETURN", .forbidden) })
            let instance = world.start()
            await world.pass(.seconds(120))
            let asked = world.rows.map { timesAsked(world, $0) }
            #expect(asked.reduce(0, +) == 10 && asked.max() == 1, "\(asked)")
            #expect(instance.engine.status.businesses[0].hold?.reason.hasPrefix("authorization: 403") == true)
            await world.pass(.seconds(1500))
            let later = world.rows.map { timesAsked(world, $0) }.reduce(0, +)
            #expect((14...16).contains(later), "rechecked with one row every 5 minutes: \(later)")
            #expect(world.rows.allSatisfy { $0.attempts == 0 })
        }
    }

    @Test func aRowThatAsksToWaitBacksOffAlone() async {
        let simulation = Simulation(seed: 33, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            world.insert([world.row(11, 1, priority: 9, .overloads(.seconds(600)))])
            world.insert((11...60).map { world.row(11, $0) })
            world.start()
            let areCreated = await world.wait(atMost: .seconds(10)) { world.rows("created").count == 50 }
            #expect(areCreated, "\(world.rows("created").count) of 50")
            await world.pass(.seconds(580))
            #expect(timesAsked(world, world.rows[0]) == 1, "not before the time that it asked for")
            await world.pass(.seconds(20))
            #expect(timesAsked(world, world.rows[0]) >= 2)
        }
    }

    @Test func aMarketThatAsksEverybodyToWaitIsNotAsked() async {
        var plan = Simulation.Plan(businessIDs: [11])
        plan.market.isOverloaded = .seconds(9999)
        let simulation = Simulation(seed: 34, plan: plan)
        await simulation.run { world in
            world.insert((1...30).map { world.row(11, $0) })
            let instance = world.start()
            await world.pass(.seconds(3000))
            let asked = world.rows.map { timesAsked(world, $0) }.reduce(0, +)
            #expect((5...7).contains(asked), "\(asked)")
            #expect(instance.engine.status.businesses[0].hold?.kind == .overloaded)
            world.calm()
            let areCreated = await world.wait(atMost: .seconds(900)) { world.rows("created").count >= 23 }
            #expect(areCreated, "an hour at most: \(world.rows("created").count)")
        }
    }

    @Test func anInvalidKeyBurnsNoAttemptAndIsRecheckedWithOneRow() async {
        var plan = Simulation.Plan(businessIDs: [11])
        plan.market.keyIsInvalid = true
        let simulation = Simulation(seed: 7, plan: plan)
        await simulation.run { world in
            world.insert((1...20).map { world.row(11, $0) })
            let instance = world.start()
            await world.pass(.seconds(3000))
            let asked = world.rows.map { timesAsked(world, $0) }.reduce(0, +)
            #expect((9...12).contains(asked), "one each 5 minutes in 50 minutes: \(asked)")
            #expect(instance.engine.status.businesses[0].hold?.reason.hasPrefix("authorization: 401") == true)
            world.calm()
            let areCreated = await world.wait(atMost: .seconds(310)) { world.rows("created").count == 20 }
            #expect(areCreated)
            #expect(world.rows.allSatisfy { $0.attempts == 0 })
            #expect(instance.engine.status.businesses[0].hold == nil)
        }
    }

    @Test func anOutageOpensTheCircuitAndBurnsFewAttempts() async {
        var plan = Simulation.Plan(businessIDs: [11])
        plan.market.isOut = true
        let simulation = Simulation(seed: 8, plan: plan)
        await simulation.run { world in
            world.insert((1...50).map { world.row(11, $0) })
            world.start()
            await world.pass(.seconds(3600))
            let burned = world.rows.map(\.attempts).reduce(0, +)
            #expect(burned <= 8, "\(burned) attempts burned in an hour")
            let asked = world.rows.map { timesAsked(world, $0) }.reduce(0, +)
            // Each of n rows is tried within a minute and 5 s for each of them: every 5 + 55/n seconds at most, of which
            // chance takes a quarter away.
            #expect((590...850).contains(asked), "\(asked) requests in an hour")
            world.calm()
            let areSent = await world.wait(atMost: .seconds(70)) { world.rows("created").count >= 42 }
            #expect(areSent, "the next probe is a minute away at most")
            let areCreated = await world.wait(atMost: .seconds(900)) { world.rows("created").count == 50 }
            #expect(areCreated)
        }
    }

    @Test func aTriggerThatRefusesHoldsBackItsRowAlone() async {
        let simulation = Simulation(seed: 9, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            world.insert([
                world.row(11, 1, trigger: .refusesEverything), world.row(11, 2, trigger: .refusesCreated),
            ])
            world.insert((3...30).map { world.row(11, $0) })
            world.start()
            await world.pass(.seconds(600))
            #expect(world.rows("created").count == 28)
            #expect(world.rows.allSatisfy { timesAsked(world, $0) == 1 }, "an answer is asked for once")
            #expect(world.rows[1].lastError == "P0001 not created")
            world.mendTriggers()
            let areWritten = await world.wait(atMost: .seconds(5)) { world.rows("created").count == 30 }
            #expect(areWritten)
            #expect(world.rows.allSatisfy { timesAsked(world, $0) == 1 }, "only the write is repeated")
        }
    }

    @Test func aSlowTriggerAndALockAreWaitedForBesideAllOthers() async {
        let simulation = Simulation(seed: 35, plan: Simulation.Plan())
        await simulation.run { world in
            world.insert([world.row(11, 1, trigger: .isSlow), world.row(11, 2)])
            world.insert((3...30).map { world.row(22, $0) })
            world.database.state.withLock { $0.rows[2]?.lockedUntil = .seconds(60) }
            world.start()
            let areCreated = await world.wait(atMost: .seconds(5)) { world.rows("created").count == 29 }
            #expect(areCreated, "\(world.rows("pending"))")
            await world.pass(.seconds(66))
            #expect(world.rows("created").count == 30)
            #expect(world.rows.allSatisfy { timesAsked(world, $0) == 1 })
        }
    }

    @Test func aRowThatIsNotFoundIsRejectedAfterThePatience() async {
        let simulation = Simulation(seed: 12, plan: Simulation.Plan(businessIDs: [11]))
        await simulation.run { world in
            world.insert([world.row(11, 1, .neverFound), world.row(11, 2, .foundAfter(.seconds(5000)))])
            world.start()
            await world.pass(.seconds(7100))
            #expect(world.rows.map(\.state) == ["pending", "created"])
            await world.pass(.seconds(2000))
            #expect(world.rows.map(\.state) == ["rejected", "created"])
        }
    }
}
