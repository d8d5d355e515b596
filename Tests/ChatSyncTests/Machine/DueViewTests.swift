import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// What is known of the rows that are due, and of those in hand.
@Suite(.concurrencyLimited) struct DueViewTests {
    @Test func theEarliestRowIsTheNextOne() {
        var view = DueView()
        for second in [10.0, 5, 20] { view.willBeDue(.at(second)) }
        #expect(view.nextDue == .at(5))
    }

    @Test func aSampleAgesIsUsedUpAndEndsWithNews() {
        var view = DueView()
        func take() {
            view.asked(.sample(contextType: nil))
            view.sampled([.test(1), .test(2)], now: .at(0))
        }
        take()
        #expect(view.sample(of: nil, now: .at(29)) != nil && view.sample(of: nil, now: .at(30)) == nil)
        view.takeFromSample(1)
        #expect(view.sample(of: nil, now: .at(1))?.rows.map(\.id) == [2])
        view.news()
        #expect(view.sample(of: nil, now: .at(1)) == nil)
        take()
        view.asked(.read(view.fullRead(contextType: nil, known: 0)))
        view.forget()
        #expect(view.question == nil && view.sample(of: nil, now: .at(1)) == nil)
    }

    @Test func theNextReleaseIsThatOfTheFirstSuspectWhichIsLeft() {
        var rows = RowTable()
        for (id, time) in [(1, 10.0), (2, 30), (3, 20)] {
            rows.put(.test(Int64(id)), .suspect(Suspicion(reason: .circuit, failedAt: .at(0), notBefore: .at(time))))
        }
        #expect(rows.nextRelease(of: nil) == .at(10) && rows.known == 3)
        rows.remove(1)
        #expect(rows.nextRelease(of: nil) == .at(20))
    }

    @Test func aCallThatWasCancelledLeavesItsRowDue() {
        var stepper = Stepper.owning([.test(1)])
        stepper.tell(.fellAsleep(DueRows(fresh: [.test(1)]), .asleep))
        stepper.machine.view.isReadNeeded = false
        let commands = stepper.tell(.answered(rowID: 1, MarketReply(answer: .failed(.cancelled))))
        #expect(stepper.machine.rows.entries.isEmpty && commands.reads.count == 1)
    }

    @Test func anAwayHostIsNotAsked() {
        var stepper = Stepper()
        stepper.tell(.host(.away))
        stepper.tell(.owned(BusinessRecord(businessID: 11)))
        #expect(stepper.tell(.read(DueRows(fresh: [.test(1), .test(2)]))).sent.isEmpty)
        #expect(stepper.tell(.host(.probing)).sent.isEmpty, "a sample is drawn first")
        #expect(stepper.tell(.sampled([.test(2)])).sent == [2])
    }

    @Test func whatIsPausedAndWhatIsLeftOfTheQuotaIsInherited() {
        var stepper = Stepper()
        let quota = BusinessRecord.Quota(limit: 100, remaining: 7, resetsIn: .seconds(60))
        stepper.tell(.owned(BusinessRecord(businessID: 11, isPaused: true, quota: quota)))
        #expect(stepper.machine.conditions.isPaused && stepper.machine.conditions.window?.remaining == 7)
    }

    // MARK: In a row

    @Test func aRowIsCountedOnce() {
        var streak = BusinessConditions.Streak(limit: 2)
        streak.add(1)
        streak.add(1)
        #expect(!streak.isFull)
        streak.add(2)
        #expect(streak.isFull)
    }

    @Test func anAnswerMakesOddOnesAndOverloadBeginAnew() {
        var stepper = Stepper.owning((1...20).map { .test($0) }, .test(parallel: 1))
        for (id, status) in [402, 402, 200, 402, 402].enumerated() {
            stepper.settle(Int64(id) + 1, status == 200 ? .chat : .error(status))
        }
        #expect(stepper.machine.conditions.hold == nil)
        stepper = Stepper.owning((1...20).map { .test($0) }, .test(parallel: 1))
        for id in 1...9 {
            stepper.settle(Int64(id), id == 5 ? .chat : .error(503, retryAfter: .seconds(9)))
        }
        #expect(stepper.machine.conditions.hold == nil)
    }

    @Test func aProbeOfAHoldThatFailsForAnotherReasonIsRepeatedLater() {
        var stepper = Stepper.owning((1...2).map { .test($0) }, .test(parallel: 1))
        stepper.settle(1, .error(401))
        stepper.wait()
        stepper.tell(.sampled([.test(2)]))
        #expect(stepper.machine.rows.inFlight == 1)
        stepper.settle(2, .error(500))
        #expect(stepper.machine.conditions.hold?.until == .at(305))
    }
}
