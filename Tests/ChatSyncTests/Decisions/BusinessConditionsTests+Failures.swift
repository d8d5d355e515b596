import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

// What failures, refusals and their order do.
extension BusinessConditionsTests {
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
}
