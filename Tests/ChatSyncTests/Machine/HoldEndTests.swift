import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// What a person's `resume --now` ends and what it leaves, and what the journal is told once.
@Suite(.concurrencyLimited) struct HoldEndTests {
    @Test func allWaitsEndAndNothingIsForgottenThatIsNoWait() {
        var conditions = BusinessConditions(maxParallel: 2, pacer: QuotaPacer(prior: 1000, reserve: 0))
        // The circuit opens, and its probes fail.
        for _ in 1...5 { conditions.circuits[.order].failed(wasProbe: false, now: .at(0), random: 0.5) }
        for _ in 1...3 { conditions.circuits[.order].failed(wasProbe: true, now: .at(1), random: 0.5) }
        let before = conditions.circuits[.order]
        var rechecked = before
        rechecked.recheck()
        #expect(before.isOpen && rechecked != before, "no probe has failed")
        conditions.parallel.refused(sentAt: .at(0), now: .at(1), random: 0.5)
        for id in 1...3 as ClosedRange<Int64> { conditions.forbidden.add(id) }
        conditions.nextDoubtProbe = .at(90)
        conditions.hold(.migration, nil, until: .at(3000), wasProbe: false, now: .at(1))
        conditions.endWaits(inFlight: 0, now: .at(2))
        #expect(conditions.circuits[.order] == rechecked)
        #expect(conditions.parallel.pausedUntil == nil)
        #expect(conditions.forbidden.rows.isEmpty && conditions.nextDoubtProbe == nil)
        #expect(conditions.hold?.until == .at(2))
    }

    @Test func suspectsAreForgottenButForThoseThatCannotBePutOff() {
        var stepper = Stepper.owning([])
        stepper.tell(.fellAsleep(DueRows(fresh: []), .asleep))
        for (id, reason) in [(1, .forbidden), (2, .circuit), (3, .hold), (4, .unwritten)] as [(Int64, Suspicion.Reason)]
        {
            stepper.machine.rows.put(
                .test(id), .suspect(Suspicion(reason: reason, failedAt: .at(0), notBefore: .at(900))))
        }
        stepper.tell(.holdEnded)
        #expect(stepper.machine.rows.suspicions.map(\.row.id) == [4])
    }

    @Test func whoeverIsNoOwnerEndsNoHoldThatAFormerOwnerLeft() {
        var stepper = Stepper()
        stepper.machine.conditions.hold(.migration, nil, until: .at(900), wasProbe: false, now: .at(0))
        stepper.now = .at(5)
        stepper.tell(.holdEnded)
        #expect(stepper.machine.conditions.hold?.until == .at(900))
    }

    /// What keeps a business from sending for long, and is no pause.
    enum Wait: CaseIterable { case hold, usedUpQuota }

    @Test(arguments: Wait.allCases) func aPauseIsSeenThoughSomethingElseHolds(wait: Wait) {
        var stepper = Stepper.owning([])
        stepper.tell(.fellAsleep(DueRows(fresh: []), .asleep))
        switch wait {
        case .hold:
            stepper.machine.conditions.hold(.quota, nil, until: .at(3000), wasProbe: false, now: .at(0))
        case .usedUpQuota:
            stepper.machine.conditions.pacer.window = QuotaPacer.Window(
                limit: 1000, remaining: 0, endsAt: .at(3000), learnedAt: .at(0))
        }
        stepper.now = .at(10)
        stepper.tell(.woken)
        #expect(stepper.machine.ownership == .ours(.awake), "producers need not tell of each row meanwhile")
        stepper.tell(.read(DueRows(fresh: [.test(1)], isPaused: true)))
        #expect(stepper.machine.conditions.isPaused)
        #expect(stepper.machine.due.count == 1)
        stepper.tell(.woken)
        #expect(stepper.tell(.read(DueRows(fresh: [.test(1)], isPaused: false))).sent.isEmpty)
        #expect(!stepper.machine.conditions.isPaused)
    }

    @Test func aLookThatFailedWhileSomethingHoldsIsRepeated() {
        var stepper = Stepper.owning([])
        stepper.tell(.fellAsleep(DueRows(fresh: []), .asleep))
        stepper.machine.conditions.hold(.migration, nil, until: .at(3000), wasProbe: false, now: .at(0))
        stepper.tell(.woken)
        stepper.tell(.askFailed)
        guard let retryAt = stepper.timer, retryAt < .at(6) else {
            Issue.record("\(stepper.timer as Any)")
            return
        }
        stepper.now = retryAt
        #expect(stepper.tell(.timer).contains { if case .read = $0 { true } else { false } })
        stepper.tell(.read(DueRows(fresh: [])))
        #expect(stepper.timer == .at(3000))
    }

    @Test(arguments: [Hold.Kind.migration, .quota, .authorization, .overloaded])
    func aPersonEndsWhateverIsWaitedFor(kind: Hold.Kind) {
        var stepper = Stepper.owning([])
        stepper.tell(.fellAsleep(DueRows(fresh: []), .asleep))
        stepper.machine.conditions.pacer.window = QuotaPacer.Window(
            limit: 1000, remaining: kind == .quota ? 0 : 900, endsAt: .at(3000), learnedAt: .at(0))
        stepper.machine.conditions.hold(kind, nil, until: .at(3000), wasProbe: false, now: .at(0))
        stepper.now = .at(10)
        #expect(stepper.tell(.woken).sent.isEmpty)
        var commands = stepper.tell(.holdEnded)
        // The end of the hold is news to the read that was under way.
        while case .read = stepper.machine.view.question {
            commands = stepper.tell(.read(DueRows(fresh: [.test(1), .test(2), .test(3)])))
        }
        if case .sample = stepper.machine.view.question {
            commands = stepper.tell(.sampled([.test(1), .test(2), .test(3)]))
        }
        #expect(commands.sent.count == 1, "one row is tried, and its answer tells what holds: \(commands)")
        guard let row = commands.sent.first else { return }
        stepper.tell(.answered(rowID: row, .error(kind == .quota ? 420 : 423)))
        #expect(stepper.machine.conditions.hold != nil)
    }

    @Test func whoeverIsNoOwnerEndsNoHold() {
        var stepper = Stepper()
        #expect(stepper.tell(.holdEnded).isEmpty)
    }

    // MARK: What the journal is told once

    private func timesSpent(_ stepper: Stepper) -> Int {
        stepper.logged.filter { if case .quotaUsedUp = $0 { true } else { false } }.count
    }

    private func refusals(_ stepper: Stepper) -> Int {
        stepper.logged.filter { if case .writeRefused = $0 { true } else { false } }.count
    }

    @Test func aQuotaThatIsSpentAgainInItsWindowIsNoNews() {
        var stepper = Stepper.owning((1...3).map { .test($0) }, .test(parallel: 2))
        stepper.machine.conditions.pacer.window = QuotaPacer.Window(
            limit: 1000, remaining: 3, endsAt: .at(600), learnedAt: .at(0))
        #expect(stepper.settle(1).sent == [2, 3], "the last two")
        #expect(stepper.machine.told?.kind == .quota && timesSpent(stepper) == 1)
        // A failure spends nothing, so one more may go; and then one goes.
        stepper.settle(2, .error(500))
        #expect(stepper.machine.told == nil)
        #expect(stepper.tell(.fellAsleep(DueRows(fresh: [.test(4)]), .asleep)).sent == [4])
        #expect(stepper.machine.told?.kind == .quota && timesSpent(stepper) == 1)
    }

    @Test func aRefusedResultIsLoggedWhenItIsRefusedAgainAndAgainAndForEachNewReason() {
        var stepper = Stepper.owning([.test(1)])
        stepper.tell(.answered(rowID: 1, .chat))
        var counts: [Int] = []
        for error in ["a", "a", "a", "a", "a", "b", "b"] {
            stepper.tell(.wrote(rowID: 1, .refused(error: error)))
            counts.append(refusals(stepper))
            while stepper.machine.rows.writing == 0 { stepper.wait() }
        }
        #expect(counts == [0, 0, 0, 1, 1, 2, 2])
    }

    @Test func aBackoffThatIsGivenUpIsLogged() {
        var stepper = Stepper.owning([.test(1)])
        stepper.tell(.answered(rowID: 1, .error(500)))
        stepper.tell(.wrote(rowID: 1, .refused(error: "a")))
        #expect(refusals(stepper) == 0)
        stepper.tell(.wrote(rowID: 1, .refused(error: "a")))
        #expect(refusals(stepper) == 1)
    }
}
