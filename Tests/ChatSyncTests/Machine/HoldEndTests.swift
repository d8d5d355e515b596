import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// What a person's `resume --now` ends and what it leaves, and what the journal is told once.
@Suite(.concurrencyLimited) struct HoldEndTests {
    private static let told = QuotaHeaders(limit: 10, remaining: 0, resetsIn: .seconds(900), until: 5)

    @Test func aWindowThatTheServerToldIsForgottenWithItsWaitAndItsLostAnswers() {
        var pacer = QuotaPacer(prior: 10, reserve: 0)
        _ = pacer.refused(Self.told, retryAfter: nil, now: .at(0), random: .half)
        pacer.lostAnswers(3)
        pacer.forgetWindow(inFlight: 0)
        #expect(pacer.permission(inFlight: 0, inFlightHere: 0, now: .at(1), random: .half) == .send)
        #expect(pacer.lost == 0 && pacer.window == nil)
        // The end of the window that was forgotten says nothing of the next one's.
        var blind = QuotaPacer(prior: 1, reserve: 0)
        _ = blind.refused(Self.told, retryAfter: nil, now: .at(0), random: .half)
        blind.forgetWindow(inFlight: 0)
        blind.answered(nil, sentAt: .at(1), now: .at(1))
        let end = Moment.at(1) + QuotaPacer.longestWindow
        let resumes = end + .milliseconds(500)
        #expect(
            blind.permission(inFlight: 0, inFlightHere: 0, now: end, random: .half) == .waitForWindow(until: resumes))
    }

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

    // MARK: What the journal is told once

    private func count(_ stepper: Stepper, _ isMeant: (LogEntry) -> Bool) -> Int {
        stepper.logged.filter(isMeant).count
    }

    @Test func aQuotaThatIsSpentAgainInItsWindowIsNoNews() {
        var stepper = Stepper.owning((1...3).map { .test($0) }, .test(parallel: 2))
        func isSpent(_ entry: LogEntry) -> Bool { if case .quotaUsedUp = entry { true } else { false } }
        stepper.machine.conditions.pacer.window = QuotaPacer.Window(
            limit: 1000, remaining: 3, endsAt: .at(600), learnedAt: .at(0))
        #expect(stepper.settle(1).sent == [2, 3], "the last two")
        #expect(stepper.machine.told?.kind == .quota && count(stepper, isSpent) == 1)
        // A failure spends nothing, so one more may go; and then one goes.
        stepper.settle(2, .error(500))
        #expect(stepper.machine.told == nil)
        #expect(stepper.tell(.fellAsleep(DueRows(fresh: [.test(4)]), .asleep)).sent == [4])
        #expect(stepper.machine.told?.kind == .quota && count(stepper, isSpent) == 1)
    }

    @Test func aRefusedResultIsLoggedWhenItIsRefusedAgainAndAgainAndForEachNewReason() {
        var stepper = Stepper.owning([.test(1)])
        func isRefusal(_ entry: LogEntry) -> Bool { if case .writeRefused = entry { true } else { false } }
        stepper.tell(.answered(rowID: 1, .chat))
        var counts: [Int] = []
        for error in ["a", "a", "a", "a", "a", "b", "b"] {
            stepper.tell(.wrote(rowID: 1, .refused(error: error)))
            counts.append(count(stepper, isRefusal))
            while stepper.machine.rows.writing == 0 { stepper.wait() }
        }
        #expect(counts == [0, 0, 0, 1, 1, 2, 2])
    }

    @Test func aBackoffThatIsGivenUpIsLogged() {
        var stepper = Stepper.owning([.test(1)])
        func isRefusal(_ entry: LogEntry) -> Bool { if case .writeRefused = entry { true } else { false } }
        stepper.tell(.answered(rowID: 1, .error(500)))
        stepper.tell(.wrote(rowID: 1, .refused(error: "a")))
        #expect(count(stepper, isRefusal) == 0)
        stepper.tell(.wrote(rowID: 1, .refused(error: "a")))
        #expect(count(stepper, isRefusal) == 1)
    }
}
