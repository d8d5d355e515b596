import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// Whose fault it is: the row's, the key's, the host's or the Market's.
@Suite(.concurrencyLimited) struct SuspicionTests {
    private func suspicion(of id: Int64, in stepper: Stepper) -> Suspicion? {
        if case .suspect(let suspicion) = stepper.machine.rows[id]?.place { suspicion } else { nil }
    }

    /// Sends the row that is due for a probe, and lets the Market answer.
    private func probe(_ id: Int64, _ reply: MarketReply<CreatedChat>, _ stepper: inout Stepper) {
        var isSent = stepper.machine.rows.flights.contains { $0.row.id == id }
        for _ in 0..<20 where !isSent {
            let commands = stepper.wait()
            isSent = commands.sent.contains(id)
            if case .sample = stepper.machine.view.question {
                isSent = stepper.tell(.sampled([.test(id)])).sent.contains(id)
            }
        }
        #expect(isSent, "row \(id) is not sent")
        stepper.settle(id, reply)
    }

    @Test func aNewKeyClearsThoseThatTheOldOneCast() {
        var stepper = Stepper.owning([.test(1)])
        stepper.settle(1, .error(403))
        #expect(suspicion(of: 1, in: stepper)?.reason == .forbidden)
        stepper.tell(.keysChanged)
        #expect(stepper.machine.rows.suspects == 0)
    }

    @Test func anAnswerToAnotherRowEndsTheDoubt() {
        var stepper = Stepper.owning((1...3).map { .test($0) }, .test(parallel: 1))
        stepper.settle(1, .error(403))
        #expect(stepper.machine.conditions.nextDoubtProbe == .at(5))
        #expect(stepper.machine.conditions.forbidden.rows == [1])
        probe(2, .chat, &stepper)
        #expect(stepper.machine.conditions.nextDoubtProbe == nil)
        #expect(stepper.machine.conditions.forbidden.rows.isEmpty)
        #expect(suspicion(of: 1, in: stepper)?.isProven == true)
    }

    /// As if the row were sent, of which this is known.
    private func send(_ id: Int64, _ suspicion: Suspicion?, _ stepper: inout Stepper) {
        let flight = Flight(
            sentAt: stepper.now, purpose: .settle, window: stepper.machine.conditions.pacer.windowNumber,
            keyNumber: stepper.machine.keyNumber, suspicion: suspicion)
        stepper.machine.rows.put(.test(id), .inFlight(flight))
    }

    @Test(arguments: [(Suspicion.Reason.forbidden, 403), (.hold, 423)])
    func aRowThatIsProvenBadWaitsLongerEachTimeAndHoldsNobodyElse(reason: Suspicion.Reason, status: Int) {
        var stepper = Stepper.owning([])
        var known = Suspicion(reason: reason, failedAt: .at(0), notBefore: .at(0), isProven: true)
        var waits: [Duration] = []
        for _ in 0..<4 {
            send(1, known, &stepper)
            stepper.settle(1, .error(status))
            known = suspicion(of: 1, in: stepper)!
            waits.append(known.notBefore - stepper.now)
        }
        // With a chance of a half, three quarters of each step.
        #expect(waits == [90, 180, 360, 720].map { .seconds($0) })
        #expect(stepper.machine.conditions.hold == nil && stepper.machine.conditions.nextDoubtProbe == nil)
    }

    @Test func whatMayHaveBeenEverybodysFaultIsForgotten() {
        var stepper = Stepper.owning([.test(2)])
        stepper.machine.rows.put(
            .test(1), .suspect(Suspicion(reason: .hold, strikes: 7, failedAt: .at(0), notBefore: .at(9))))
        stepper.settle(2)
        #expect(suspicion(of: 1, in: stepper)?.strikes == 1)
        #expect(suspicion(of: 1, in: stepper)?.isProven == true)
    }

    @Test func anotherOddAnswerEndsTheHoldForOne() {
        var stepper = Stepper.owning((1...9).map { .test($0) }, .test(parallel: 1))
        for id in 1...3 { stepper.settle(Int64(id), .error(402)) }
        #expect(stepper.machine.conditions.hold?.kind == .misconfigured)
        probe(4, .error(410), &stepper)
        #expect(stepper.machine.conditions.hold == nil)
    }

    @Test func aHoldIsLoggedWhenItBeginsAndNotEachTimeThatItsProbeFails() {
        var stepper = Stepper.owning((1...9).map { .test($0) }, .test(parallel: 1))
        for id in 1...3 { stepper.settle(Int64(id), .error(402)) }
        for id in 4...6 { probe(Int64(id), .error(500), &stepper) }
        #expect(stepper.machine.conditions.hold?.kind == .misconfigured)
        let held = stepper.logged.filter { if case .held = $0 { true } else { false } }
        #expect(held.count == 1, "\(held)")
    }

    @Test func aSpentQuotaIsLoggedOnceForEachWindow() {
        var stepper = Stepper.owning((1...9).map { .test($0) }, .test(parallel: 1))
        stepper.machine.conditions.pacer.window = QuotaPacer.Window(
            limit: 1000, remaining: 2, endsAt: .at(600), learnedAt: .at(0))
        for id in 1...2 { stepper.settle(Int64(id), .error(500)) }
        for id in 3...4 { stepper.settle(Int64(id)) }
        stepper.tell(.woken)
        let spent = stepper.logged.filter { if case .quotaUsedUp = $0 { true } else { false } }
        #expect(spent == [.quotaUsedUp(limit: 1000, for: .seconds(600))])
    }

    @Test func aRowThatCannotBePutOffWaitsInMemory() {
        var stepper = Stepper.owning([.test(1)])
        stepper.tell(.answered(rowID: 1, .error(500)))
        stepper.tell(.wrote(rowID: 1, .refused(error: "no")))
        #expect(stepper.machine.rows.writing == 1, "at once, apart from the others")
        stepper.tell(.wrote(rowID: 1, .refused(error: "no")))
        #expect(stepper.machine.rows.unwritten == 0 && stepper.machine.rows.writing == 0)
        let known = suspicion(of: 1, in: stepper)
        #expect(known?.reason == .unwritten && known.map { $0.notBefore >= .at(1.5) } == true, "\(known as Any)")
    }

    @Test func anAwayHostIsNoRowsFault() {
        var stepper = Stepper.owning((1...2).map { .test($0) })
        stepper.tell(.host(.away))
        let commands = stepper.tell(
            .answered(rowID: 1, MarketReply(answer: .failed(.notConnected("refused")))))
        #expect(commands.written.map(\.change) == [.deferred])
    }

    @Test func repeatsThatFailSayNothingOfTheMarket() {
        let repeats = (1...9).map { DueRow.test($0, attempts: 2) }
        var stepper = Stepper.owning([.test(100)], repeats: repeats, .test(parallel: 1))
        stepper.settle(100)
        for row in repeats {
            if stepper.machine.rows.inFlight == 0 { stepper.tell(.read(DueRows(fresh: [], repeats: repeats))) }
            let sent = stepper.machine.rows.flights.map(\.row.id)
            for id in sent { stepper.settle(id, .error(500)) }
            _ = row
        }
        #expect(!stepper.machine.conditions.circuits[.order].isOpen)
        #expect(stepper.machine.conditions.circuits[.order].failures == 0)
    }

    @Test func whenACircuitOpensThereMayBeRowsThatHaveNotFailed() {
        var stepper = Stepper.owning((1...9).map { .test($0) }, .test(parallel: 1))
        stepper.machine.view.mayHaveUntested[.order] = false
        for id in 1...5 { stepper.settle(Int64(id), .error(500)) }
        #expect(stepper.machine.conditions.circuits[.order].isOpen)
        #expect(stepper.machine.view.mayHaveUntested[.order])
    }
}
