import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// Whether a business may send, and what each answer changes about it.
@Suite(.concurrencyLimited) struct BusinessConditionsTests {
    private static let blind = MarketReply<CreatedChat>.error(420, "Hit rate limit of 1000 requests per hour")

    private func hold(_ stepper: Stepper) -> BusinessStatus.Hold? { stepper.machine.status(now: stepper.now).hold }

    // MARK: Holds

    @Test func asManyGoAsMayBeInFlight() {
        var stepper = Stepper.owning((1...9).map { .test($0) }, .test(parallel: 4))
        // The first tells the quota.
        #expect(stepper.settle(1).sent == [2, 3, 4, 5])
        #expect(stepper.tell(.answered(rowID: 2, .chat)).sent == [6])
        stepper.tell(.polled(BusinessPoll(businessID: 11, due: 9, isPaused: true)))
        #expect(stepper.tell(.answered(rowID: 3, .chat)).sent.isEmpty)
    }

    @Test func aHoldEndsWithAProbeThatIsAnswered() {
        var stepper = Stepper.owning([.test(1), .test(2), .test(3)])
        stepper.settle(1, .error(401))
        #expect(hold(stepper)?.endsIn == .seconds(300) && stepper.timer == .at(300))
        let asked = stepper.wait()
        #expect(asked == [.sample(contextType: nil, excluding: [1], limit: 32)])
        #expect(stepper.tell(.sampled([.test(2), .test(3)])).sent == [2], "one alone, and not the same again")
        #expect(stepper.settle(2).reads.count == 1)
        #expect(hold(stepper) == nil)
    }

    @Test func aHoldStaysInStatusWhileItsProbeIsOutAndWhereNothingIsDue() {
        var stepper = Stepper.owning([.test(1), .test(2)])
        stepper.settle(1, .error(401))
        _ = stepper.wait()
        #expect(stepper.tell(.sampled([.test(2)])).sent == [2])
        #expect(hold(stepper)?.kind == .authorization && hold(stepper)?.endsIn == .zero)
        stepper.settle(2, .error(401))
        #expect(hold(stepper)?.endsIn == .seconds(300))
        // Somebody else settled both.
        _ = stepper.wait()
        stepper.tell(.sampled([]))
        #expect(hold(stepper)?.kind == .authorization)
    }

    @Test func oneThatWasSentBeforeAHoldSaysNothingAboutIt() {
        var stepper = Stepper.owning([.test(1), .test(2), .test(3)])
        stepper.settle(1)
        #expect(stepper.machine.rows.inFlight == 2)
        stepper.now = .at(1)
        stepper.settle(2, .error(401))
        stepper.now = .at(2)
        stepper.settle(3)
        #expect(hold(stepper)?.kind == .authorization)
    }

    @Test func aShorterHoldDoesNotEndALongerOne() {
        var conditions = BusinessConditions(maxParallel: 2, pacer: QuotaPacer(prior: 1000, reserve: 0))
        conditions.hold(.migration, nil, until: .at(900), wasProbe: false, now: .at(0))
        conditions.hold(.overloaded, nil, until: .at(1), wasProbe: false, now: .at(0))
        #expect(conditions.hold?.kind == .migration && conditions.hold?.until == .at(900))
        // A probe has learned what holds now.
        conditions.hold(.authorization, nil, until: .at(300), wasProbe: true, now: .at(0))
        #expect(conditions.hold?.kind == .authorization && conditions.hold?.until == .at(300))
    }

    @Test func aNewKeyIsTriedAtOnceAndNobodyButTheMarketEndsAMigration() {
        var stepper = Stepper.owning([.test(1), .test(2)])
        stepper.settle(1, .error(401))
        stepper.now = .at(5)
        #expect(stepper.tell(.keysChanged) == [.sample(contextType: nil, excluding: [], limit: 32)])
        #expect(stepper.tell(.sampled([.test(1), .test(2)])).sent == [1])
        stepper.settle(1, .error(423))
        stepper.now = .at(6)
        #expect(stepper.tell(.keysChanged).isEmpty && hold(stepper)?.endsIn == .seconds(899))
    }

    @Test func anAnswerForTheOldKeyHoldsNothing() {
        for status in [401, 403] {
            var stepper = Stepper.owning([.test(1)])
            stepper.tell(.keysChanged)
            let commands = stepper.settle(1, .error(status))
            #expect(hold(stepper) == nil && stepper.machine.conditions.nextDoubtProbe == nil, "\(status)")
            #expect(commands.written.map(\.change) == [.deferred])
        }
    }

    // MARK: 403

    @Test func twoRowsThatAlwaysGet403DoNotFreezeTheirCabinet() {
        let bad = [DueRow.test(1, priority: 9), .test(2, priority: 9)]
        var world = MachineWorld(bad + (3...40).map { .test($0) }) { row, _ in row.id < 3 ? .error(403) : .chat }
        world.run(to: 70)
        #expect(world.created.count == 38, "\(world.created.count)")
        for minute in 2...120 {
            world.run(to: Double(minute) * 60)
            world.insert(.test(Int64(minute) * 100))
            world.run(to: Double(minute) * 60 + 59)
            let isCreated = world.created[Int64(minute) * 100] != nil
            #expect(isCreated, "the row of minute \(minute)")
        }
        #expect(world.asked[1]!.count < 15 && world.asked[1]!.count > 2, "\(world.asked[1]!.count)")
        #expect(world.pending[1]?.attempts == 0)
    }

    @Test func tenRowsInARowWith403HoldTheCabinet() {
        var world = MachineWorld((1...30).map { .test($0, $0 % 2 == 0 ? "ORDER" : "RETURN") }) { _, _ in .error(403) }
        world.run(to: 44)
        #expect(world.machine.conditions.hold == nil)
        world.run(to: 100)
        let ids = Set(world.asked.keys)
        #expect(ids.count == 10 && world.asked.values.allSatisfy { $0.count == 1 })
        #expect(ids.contains { $0 > 25 }, "not only of the first: \(ids.sorted())")
        #expect(Set(ids.map { $0 % 2 }).count == 2, "of both types")
        #expect(world.machine.status(now: world.now).hold?.reason.hasPrefix("authorization: 403") == true)
    }

    @Test func allThatAreDueWith403HoldTheCabinet() {
        var world = MachineWorld((1...3).map { .test($0) }) { _, _ in .error(403) }
        world.run(to: 30)
        #expect(world.machine.conditions.hold?.kind == .authorization)
        #expect(world.asked.values.map(\.count) == [1, 1, 1])
    }

    // MARK: Undocumented answers

    @Test func threeDifferentRowsInARowWith402HoldTheBusinessAndOneDoesNot() {
        var world = MachineWorld((1...3).map { .test($0) }) { row, _ in row.id == 1 ? .error(402) : .chat }
        world.run(to: 3600)
        #expect(world.machine.conditions.hold == nil && world.created.count == 2)
        #expect(world.asked[1]!.count > 5, "put off again and again: \(world.asked[1]!.count)")
        #expect(world.pending[1] != nil, "and never rejected")
        world = MachineWorld((1...9).map { .test($0) }) { _, _ in .error(402) }
        world.run(to: 200)
        #expect((3...4).contains(world.asked.count), "\(world.asked)")
        #expect(world.machine.status(now: world.now).hold?.reason.hasPrefix("misconfigured: 402") == true)
    }

    // MARK: Failures

    @Test func fiveFailuresInARowOpenTheCircuitAndProbesBurnNoAttempt() {
        var world = MachineWorld((1...50).map { .test($0) }) { _, _ in .error(500) }
        world.run(to: 3600)
        #expect(world.machine.conditions.circuits[.order].isOpen)
        let attempts = world.pending.values.map(\.attempts).reduce(0, +)
        #expect((5...8).contains(attempts), "\(attempts)")
        let asked = world.asked.values.map(\.count).reduce(0, +)
        #expect(asked < 900, "\(asked)")
        // Each is tried within a minute and five seconds for each of them.
        for times in world.asked.values {
            let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
            #expect(gaps.allSatisfy { $0 <= .seconds(60 + 5 * 50) }, "\(gaps)")
        }
    }

    @Test func twentyOlderRowsThatAlwaysFailDoNotKeepOthersFromBeingAProbe() {
        var world = MachineWorld((1...30).map { .test($0) }) { row, _ in row.id <= 20 ? .error(500) : .chat }
        world.run(to: 60 + 5 * 20)
        #expect(world.created.count == 10, "\(world.created.count)")
        // And so it stays.
        for minute in 4...60 {
            world.run(to: Double(minute) * 60)
            world.insert(.test(Int64(minute) * 100))
        }
        world.run(to: 3600 + 160)
        let late = (4...60).filter { minute in
            let time = world.created[Int64(minute) * 100]
            return time.map { $0 - .at(Double(minute) * 60) > .seconds(160) } ?? true
        }
        #expect(late.isEmpty, "\(late)")
    }

    @Test func ordersGoOnWhileReturnsFail() {
        let rows = (1...200).map { DueRow.test($0, $0 % 2 == 0 ? "ORDER" : "RETURN", priority: $0 % 2 == 0 ? 0 : 9) }
        var world = MachineWorld(rows) { row, _ in row.contextType == "RETURN" ? .error(500) : .chat }
        world.run(to: 60)
        #expect(world.created.count == 100, "\(world.created.count)")
        #expect(world.machine.conditions.circuits[.return].isOpen && !world.machine.conditions.circuits[.order].isOpen)
    }

    @Test func aRetryAfterOfOneRowHoldsNobodyElse() {
        let rows = [DueRow.test(1, priority: 9)] + (2...20).map { .test($0) }
        var world = MachineWorld(rows) { row, _ in row.id == 1 ? .error(503, retryAfter: .seconds(600)) : .chat }
        world.run(to: 20)
        #expect(world.created.count == 19 && world.machine.conditions.hold == nil)
        world.run(to: 599)
        #expect(world.asked[1]!.count == 1)
        world.run(to: 605)
        #expect(world.asked[1]!.count == 2)
    }

    @Test func aRetryAfterOfFiveDifferentRowsHoldsTheCabinetAnHourAtMost() {
        var world = MachineWorld((1...20).map { .test($0) }) { _, _ in .error(503, retryAfter: .seconds(86_400)) }
        world.run(to: 3500)
        #expect((5...6).contains(world.asked.count), "\(world.asked.keys.sorted())")
        #expect(world.machine.conditions.hold?.kind == .overloaded)
        world.run(to: 3660)
        #expect(world.asked.values.map(\.count).reduce(0, +) > 5, "asked again within an hour and a minute")
    }

    // MARK: 420

    @Test func quotaRefusalsAtTheSameTimeAreOneRefusal() {
        var stepper = Stepper.owning((1...9).map { .test($0) }, .test(parallel: 4))
        stepper.settle(1)
        for id in 2...5 as ClosedRange<Int64> { stepper.settle(id, Self.blind) }
        let wait = hold(stepper).map(\.endsIn) ?? .zero
        #expect(hold(stepper)?.kind == .quota && wait >= .seconds(60) && wait <= .seconds(61), "\(wait)")
        // The next one in a row waits longer.
        _ = stepper.wait()
        while stepper.machine.rows.inFlight == 0 { stepper.tell(.read(DueRows(fresh: (1...9).map { .test($0) }))) }
        let id = stepper.machine.rows.flights[0].row.id
        stepper.settle(id, Self.blind)
        #expect((hold(stepper)?.endsIn ?? .zero) >= .seconds(120))
    }

    @Test func parallelRefusalsThatWereInFlightTogetherLowerTheLimitOnce() {
        var limit = ParallelLimit(max: 4)
        for _ in 0..<4 { limit.refused(sentAt: .at(0), now: .at(1), random: 0) }
        #expect(limit.current == 3 && limit.pausedUntil == .at(2))
        limit.refused(sentAt: .at(2), now: .at(3), random: 0)
        #expect(limit.current == 2 && limit.pausedUntil == .at(5))
        for _ in 0..<20 { limit.answered() }
        #expect(limit.current == 3)
    }

    @Test func pausesGrowWhereOnlyOneMayBeInFlight() {
        var limit = ParallelLimit(max: 1)
        var now = Moment.at(0)
        var pauses: [Duration] = []
        for _ in 0..<9 {
            let sentAt = now + .milliseconds(1)
            limit.refused(sentAt: sentAt, now: sentAt + .milliseconds(1), random: 0)
            pauses.append(limit.pausedUntil! - (sentAt + .milliseconds(1)))
            now = limit.pausedUntil!
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
        #expect(limit.current == 1)
        limit.answered()
        limit.refused(sentAt: now + .seconds(1), now: now + .seconds(2), random: 0)
        #expect(limit.pausedUntil == now + .seconds(3), "an answer makes them short again")
    }

    @Test func tooManyInFlightMakesAPauseThenFewer() {
        var stepper = Stepper.owning((1...9).map { .test($0) }, .test(parallel: 4))
        stepper.settle(1)
        #expect(stepper.settle(2, .error(420, "Hit rate limit of 4 parallel requests")).sent.isEmpty)
        #expect(stepper.timer == .at(1.5))
        #expect(stepper.machine.conditions.parallel.current == 3)
    }

    // MARK: In a row

    @Test func whatIsInterruptedIsNotInARow() {
        var stepper = Stepper.owning((1...9).map { .test($0) }, .test(parallel: 1))
        for (id, status) in [402, 402, 500, 402, 402].enumerated() { stepper.settle(Int64(id) + 1, .error(status)) }
        #expect(stepper.machine.conditions.hold == nil)
        stepper.settle(6, .error(402))
        #expect(stepper.machine.conditions.hold?.kind == .misconfigured)
    }

    @Test(arguments: [500, 402]) func overloadIsInterruptedByOtherFailures(other: Int) {
        var stepper = Stepper.owning((1...6).map { .test($0, $0 == 5 ? "RETURN" : "ORDER") }, .test(parallel: 1))
        for id in 1...4 { stepper.settle(Int64(id), .error(503, retryAfter: .seconds(9))) }
        stepper.settle(5, .error(other))
        stepper.settle(6, .error(503, retryAfter: .seconds(9)))
        #expect(stepper.machine.conditions.hold == nil)
    }

    // MARK: Repeats and successors

    @Test func quickRepeatsAreForAHealthyBusinessAlone() {
        var stepper = Stepper.owning([.test(1), .test(2)])
        #expect(stepper.machine.allowsRepeats(now: stepper.now))
        let quota = QuotaHeaders(limit: 1000, remaining: 1, resetsIn: .seconds(3000), until: 9)
        var reply = MarketReply<CreatedChat>.chat
        reply.quota = quota
        stepper.settle(1, reply)
        #expect(!stepper.machine.allowsRepeats(now: stepper.now), "the one that is left is in flight")
        stepper = Stepper.owning([.test(1)])
        stepper.settle(1, .error(401))
        #expect(!stepper.machine.allowsRepeats(now: stepper.now))
        stepper = Stepper.owning([.test(1)])
        stepper.tell(.drain)
        #expect(!stepper.machine.allowsRepeats(now: stepper.now))
    }

    @Test func aSuccessorKeepsWhatItCannotMend() {
        var stepper = Stepper.owning([.test(1)])
        var reply = MarketReply<CreatedChat>.error(423)
        reply.quota = QuotaHeaders(limit: 1000, remaining: 10, resetsIn: .seconds(3000), until: 9)
        stepper.settle(1, reply)
        let record = stepper.machine.record(now: .at(100))
        #expect(record.hold?.endsIn == .seconds(800) && record.hold?.reason.hasPrefix("migration: 423") == true)
        #expect(record.quota?.remaining == 10)
        var next = Stepper()
        #expect(next.tell(.owned(record)).isEmpty && next.timer == .at(800))
        // Where a person had to act, a start is the time to look whether it was done.
        var other = Stepper()
        let hold = BusinessRecord.Hold(reason: "authorization: 401", endsIn: .seconds(99))
        #expect(
            other.tell(.owned(BusinessRecord(businessID: 11, hold: hold)))
                == [.sample(contextType: nil, excluding: [], limit: 32)])
    }

    @Test func ofTwoHoldsTheNewerIsRestored() {
        func restored(age: Duration, endsIn: Duration = .seconds(100)) -> Hold.Kind? {
            var conditions = BusinessConditions(maxParallel: 2, pacer: QuotaPacer(prior: 1000, reserve: 0))
            conditions.hold(.authorization, nil, until: .at(400), wasProbe: false, now: .at(100))
            let record = BusinessRecord(
                businessID: 11, hold: .init(reason: "migration: 423", endsIn: endsIn), age: age)
            conditions.restore(record, now: .at(200))
            return conditions.hold?.kind
        }
        #expect(restored(age: .seconds(50)) == .migration)
        #expect(restored(age: .seconds(150)) == .authorization)
        // Both may hold: the later end is the one to wait for.
        #expect(restored(age: .seconds(150), endsIn: .seconds(500)) == .migration)
    }

    @Test func noHoldOfAFormerOwnerIsLongerThanAnHour() {
        var conditions = BusinessConditions(maxParallel: 2, pacer: QuotaPacer(prior: 1000, reserve: 0))
        let hold = BusinessRecord.Hold(reason: "overloaded: 503", endsIn: .seconds(99_999))
        conditions.restore(BusinessRecord(businessID: 11, hold: hold, age: .zero), now: .at(0))
        #expect(conditions.hold?.until == .at(3600))
    }
}
