import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

// When an owner sleeps, and what wakes it.
extension BusinessMachineTests {
    /// Owned, and nothing is due: the machine asked to fall asleep.
    private func tired() -> Stepper {
        var stepper = Stepper()
        stepper.tell(.owned(BusinessRecord(businessID: 11)))
        let commands = stepper.tell(.read(DueRows(fresh: [])))
        #expect(commands == [.fallAsleep(Self.both)])
        return stepper
    }

    @Test func anOwnerThatSleepsDoesNothingUntilItIsWoken() {
        var stepper = tired()
        #expect(stepper.tell(.fellAsleep(DueRows(fresh: []), .asleep)).isEmpty)
        #expect(stepper.machine.ownership == .ours(.asleep) && stepper.timer == nil)
        #expect(stepper.tell(.woken) == [.read(Self.both)])
        #expect(stepper.machine.ownership == .ours(.asleep), "producers go on to notify")
    }

    @Test func whatTheLastLookBeforeSleepFindsIsSent() {
        var stepper = tired()
        #expect(stepper.tell(.fellAsleep(DueRows(fresh: [.test(1)]), .asleep)).sent == [1])
    }

    @Test func anOwnerThatIsBusyWakesUp() {
        var stepper = tired()
        stepper.tell(.fellAsleep(DueRows(fresh: []), .asleep))
        stepper.tell(.woken)
        let commands = stepper.tell(.read(DueRows(fresh: (1...16).map { .test($0) })))
        #expect(commands.contains(.wakeUp) && stepper.machine.ownership == .ours(.awake))
    }

    @Test func whoWasCoveredLooksAndAsksAgainWhenTheCoverEnds() {
        for end in [
            MachineEvent.coverEnded, .polled(BusinessPoll(businessID: 11, due: 0, coverHasEnded: true)),
        ] {
            var stepper = tired()
            stepper.tell(.fellAsleep(DueRows(fresh: []), .covered))
            #expect(stepper.machine.ownership == .ours(.covered))
            #expect(stepper.tell(end) == [.read(Self.both)])
            #expect(stepper.machine.ownership == .ours(.awake))
            #expect(stepper.tell(.read(DueRows(fresh: []))) == [.fallAsleep(Self.both)])
        }
        // Of somebody who sleeps by himself it says nothing.
        var stepper = tired()
        stepper.tell(.fellAsleep(DueRows(fresh: []), .asleep))
        #expect(stepper.tell(.coverEnded).isEmpty)
    }

    @Test func openProducersAreWaitedForOnce() {
        var stepper = tired()
        #expect(stepper.tell(.fellAsleep(DueRows(fresh: []), .producersAreOpen)) == [.watchProducers])
        #expect(stepper.machine.ownership == .ours(.awaitingProducers))
        #expect(stepper.tell(.woken) == [.read(Self.both)], "others are heard meanwhile")
        #expect(stepper.tell(.read(DueRows(fresh: []))).isEmpty)
        #expect(stepper.tell(.producersEnded) == [.read(Self.both)])
        #expect(stepper.tell(.read(DueRows(fresh: []))) == [.fallAsleep(Self.both)])
    }

    @Test func aSleepThatFailedIsTriedAgain() {
        var stepper = tired()
        stepper.tell(.askFailed)
        #expect(stepper.machine.ownership == .ours(.awake))
        #expect(stepper.wait() == [.read(Self.both)])
        #expect(stepper.tell(.read(DueRows(fresh: []))) == [.fallAsleep(Self.both)])
    }
}
