import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// Whether a business may send, and what each answer changes about it.
@Suite(.concurrencyLimited) struct BusinessConditionsTests {
    static let blind = MarketReply<CreatedChat>.error(420, "Hit rate limit of 1000 requests per hour")

    func hold(_ stepper: Stepper) -> BusinessStatus.Hold? { stepper.machine.status(now: stepper.now).hold }

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
