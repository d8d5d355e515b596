import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// What a business does next where something is in doubt: a circuit is open, a row got 403, or a hold lasts.
@Suite(.concurrencyLimited) struct ChoosingTests {
    /// Owned and asleep, nothing due, the circuit of ORDER open since long ago.
    private func withOpenCircuit(parallel: Int = 2) -> Stepper {
        var stepper = Stepper.owning([], .test(parallel: parallel))
        stepper.tell(.fellAsleep(DueRows(fresh: []), .asleep))
        stepper.machine.conditions.circuits[.order].openness = .init(lastProbe: .at(0), jitter: 0)
        stepper.now = .at(100)
        // The quota is known: more than one may go.
        stepper.machine.conditions.pacer.window = QuotaPacer.Window(
            limit: 1000, remaining: 900, endsAt: .at(3000), learnedAt: .at(0))
        return stepper
    }

    private func sample(_ rows: [DueRow], at seconds: Double) -> DueView.Sample {
        DueView.Sample(rows: rows, takenAt: .at(seconds))
    }

    private func suspect(
        _ id: Int64, failedAt: Double, notBefore: Double, _ reason: Suspicion.Reason = .circuit,
        in stepper: inout Stepper
    ) {
        stepper.machine.rows.put(
            .test(id),
            .suspect(
                Suspicion(
                    reason: reason, failedAt: .at(failedAt), notBefore: .at(notBefore), isProven: reason != .circuit)))
    }

    // MARK: Open circuits

    @Test func theLastPlaceGoesToProbesAndToOthersInTurn() {
        var stepper = withOpenCircuit(parallel: 1)
        stepper.machine.hasProbedLast = true
        #expect(stepper.tell(.woken).reads.map(\.contextType) == ["RETURN"])
        stepper.machine.view.samples["ORDER"] = sample([.test(1), .test(2), .test(3)], at: 100)
        #expect(stepper.tell(.read(DueRows(fresh: [.test(8, "RETURN"), .test(9, "RETURN")]))).sent == [8])
        // While it is answered, a probe has become due.
        #expect(stepper.settle(8).sent == [1])
        stepper.now = .at(120)
        // A probe that was answered late: the next one is due again, and has to wait for its turn.
        #expect(stepper.settle(1, .error(500)).sent == [9])
    }

    @Test func whereOneTypeIsInTroubleTheOtherIsRead() {
        var stepper = withOpenCircuit()
        stepper.machine.view.isReadNeeded = false
        #expect(stepper.machine.view.contextType == nil && stepper.machine.ownership == .ours(.asleep))
        stepper.machine.view.samples["ORDER"] = sample([], at: 100)
        #expect(stepper.tell(.timer).reads.map(\.contextType) == ["RETURN"])
    }

    @Test func aSlowProbeHoldsUpOneOfItsKindAtMost() {
        var stepper = withOpenCircuit(parallel: 4)
        stepper.machine.view.samples["ORDER"] = sample((1...9).map { .test($0) }, at: 100)
        #expect(stepper.tell(.timer).sent == [1])
        var sent: [Int64] = []
        for seconds in 101...105 {
            stepper.now = .at(Double(seconds))
            sent += stepper.tell(.timer).sent
        }
        #expect(sent == [2], "not answered within five seconds")
        for seconds in 106...115 {
            stepper.now = .at(Double(seconds))
            sent += stepper.tell(.timer).sent
        }
        #expect(sent == [2], "two are enough")
    }

    @Test func ofRowsThatFailedTheOneGoesWhoseFailureIsLongestAgo() {
        var stepper = withOpenCircuit()
        for id in 1...3 { suspect(Int64(id), failedAt: Double(60 - 10 * id), notBefore: 0, in: &stepper) }
        stepper.machine.view.samples["ORDER"] = sample([], at: 100)
        #expect(stepper.tell(.timer).sent == [3])
    }

    @Test func aProbeWaitsForTheFirstRowThatMayGoAgain() {
        var stepper = withOpenCircuit()
        suspect(1, failedAt: 90, notBefore: 125, in: &stepper)
        suspect(2, failedAt: 95, notBefore: 120, in: &stepper)
        stepper.machine.view.samples["ORDER"] = sample([], at: 100)
        stepper.tell(.timer)
        // What is due of the other type: nothing, and the owner sleeps.
        while case .read = stepper.machine.view.question { stepper.tell(.read(DueRows(fresh: []))) }
        #expect(stepper.timer == .at(120))
    }

    // MARK: Doubt about the key

    @Test func whileAProbeOfTheKeyIsOutTheNextIsDueAfterFiveSeconds() {
        var stepper = Stepper.owning((1...3).map { .test($0) })
        stepper.settle(1, .error(403))
        stepper.now = .at(5)
        stepper.machine.view.samples[nil] = sample([.test(2), .test(3)], at: 5)
        while !stepper.machine.rows.flights.contains(where: { $0.flight.purpose == .settleDoubt }) {
            let flights = stepper.machine.rows.flights
            guard let other = flights.first else {
                #expect(stepper.tell(.timer).sent == [2])
                continue
            }
            stepper.settle(other.row.id, .error(500))
        }
        #expect(stepper.timer == .at(10))
        #expect(stepper.wait().sent == [3])
    }

    @Test func aKeyIsNotConvictedByASampleThatKnowsNothingOfRowsSince() {
        var stepper = Stepper.owning([.test(1)], .test(parallel: 1))
        stepper.settle(1, .error(403))
        #expect(stepper.machine.conditions.nextDoubtProbe == .at(5))
        stepper.machine.view.askFailed(now: .at(0), random: 0)
        stepper.machine.view.samples[nil] = sample([], at: 4)
        let commands = stepper.wait()
        #expect(stepper.now == .at(5) && stepper.machine.conditions.hold == nil)
        guard case .sample? = commands.first else {
            Issue.record("no other sample is drawn: \(commands)")
            return
        }
        stepper.tell(.sampled([]))
        #expect(stepper.machine.conditions.hold?.kind == .authorization, "now it is known that this is all that is due")
    }

    // MARK: Waiting

    @Test func aSleeperThatIsHeldWakesUpSinceNotificationsTellItNothing() {
        var stepper = Stepper.owning([])
        stepper.tell(.fellAsleep(DueRows(fresh: []), .asleep))
        stepper.machine.conditions.hold(.misconfigured, nil, until: .at(300), wasProbe: false, now: .at(0))
        #expect(stepper.tell(.woken).first == .wakeUp)
        stepper.tell(.read(DueRows(fresh: [.test(1)])))
        #expect(stepper.machine.ownership == .ours(.awake) && stepper.timer == .at(300))
    }

    @Test func aRowThatIsLeftAloneIsLookedAtWhenItsTimeComes() {
        var stepper = Stepper.owning([])
        stepper.tell(.fellAsleep(DueRows(fresh: []), .asleep))
        suspect(1, failedAt: 0, notBefore: 90, .forbidden, in: &stepper)
        stepper.tell(.timer)
        #expect(stepper.timer == .at(90))
        let commands = stepper.wait()
        #expect(commands.sent == [1] || commands.reads.count == 1, "\(commands)")
    }

    // MARK: Quota

    @Test func aMalformedAnswerSpendsQuotaAndAFailureDoesNot() {
        for (reply, spent) in [
            (MarketReply<CreatedChat>(answer: .malformed(status: 200, reason: "no chat")), 1),
            (MarketReply<CreatedChat>.error(500), 0),
        ] {
            var stepper = Stepper.owning([.test(1)])
            stepper.machine.conditions.pacer.window = QuotaPacer.Window(
                limit: 1000, remaining: 900, endsAt: .at(3000), learnedAt: .at(0))
            stepper.settle(1, reply)
            #expect(stepper.machine.conditions.pacer.window?.remaining == 900 - spent)
        }
    }
}
