import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// How the cabinet's quota is kept.
@Suite(.concurrencyLimited) struct QuotaPacerTests {
    private func at(_ seconds: Double) -> Moment { Moment(sinceStart: .milliseconds(Int64(seconds * 1000))) }

    private func headers(_ remaining: Int, resetsIn seconds: Int64, until: Int64? = nil) -> QuotaHeaders {
        QuotaHeaders(limit: 1000, remaining: remaining, resetsIn: .seconds(seconds), until: until ?? 3600)
    }

    /// A pacer that adds half a second, by a chance of one half, to the end of a window that was used up.
    private func pacer(prior: Int = 1000, reserve: Int = 0) -> QuotaPacer { QuotaPacer(prior: prior, reserve: reserve) }

    private func permission(
        _ pacer: inout QuotaPacer, inFlight: Int, here: Int? = nil, now: Moment
    ) -> QuotaPacer.Permission {
        pacer.permission(inFlight: inFlight, inFlightHere: here ?? inFlight, now: now, random: .half)
    }

    @Test func inAnUnknownWindowOneRequestGoesAlone() {
        var pacer = self.pacer()
        #expect(permission(&pacer, inFlight: 0, now: at(0)) == .send)
        #expect(permission(&pacer, inFlight: 1, now: at(0)) == .waitForAnswer)
    }

    @Test func whatRemainsIsUsedAtOnceAndNoMore() {
        var pacer = self.pacer()
        pacer.answered(headers(2, resetsIn: 100), sentAt: at(0), now: at(0))
        #expect(permission(&pacer, inFlight: 1, now: at(1)) == .send)
        #expect(permission(&pacer, inFlight: 2, now: at(1)) == .waitForAnswer)
        pacer.answered(headers(0, resetsIn: 99), sentAt: at(1), now: at(1))
        #expect(permission(&pacer, inFlight: 0, now: at(2)) == .waitForWindow(until: at(100)))
        // By chance a little after its end, for cabinets must not all start at once.
        #expect(permission(&pacer, inFlight: 0, now: at(100)) == .waitForWindow(until: at(100.5)))
        #expect(permission(&pacer, inFlight: 0, now: at(100.5)) == .send)
    }

    @Test func theReserveIsLeftToOthers() {
        var pacer = self.pacer(reserve: 50)
        pacer.answered(headers(51, resetsIn: 100), sentAt: at(0), now: at(0))
        #expect(permission(&pacer, inFlight: 0, now: at(0)) == .send)
        #expect(permission(&pacer, inFlight: 1, now: at(0)) == .waitForAnswer)
        #expect(!pacer.allowsRepeat(inFlight: 1, now: at(0)))
        #expect(pacer.allowsRepeat(inFlight: 0, now: at(0)))
        pacer.answered(headers(50, resetsIn: 100), sentAt: at(0), now: at(0))
        #expect(permission(&pacer, inFlight: 0, now: at(0)) == .waitForWindow(until: at(100)))
    }

    @Test func answersThatOvertakeEachOtherOnlyLowerWhatRemains() {
        var pacer = self.pacer()
        pacer.answered(headers(5, resetsIn: 100), sentAt: at(1), now: at(2))
        pacer.answered(headers(7, resetsIn: 101), sentAt: at(0), now: at(2))
        #expect(pacer.window?.remaining == 5 && pacer.window?.endsAt == at(102))
    }

    @Test func withoutADateAnAnswerThatOvertakesIsNoNewWindow() {
        var pacer = self.pacer()
        let told = { (remaining: Int) in QuotaHeaders(limit: 1000, remaining: remaining) }
        pacer.answered(told(5), sentAt: at(1), now: at(2))
        #expect(pacer.window?.endsAt == at(3602))
        pacer.answered(told(7), sentAt: at(0), now: at(3))
        #expect(pacer.window?.remaining == 5 && pacer.window?.endsAt == at(3602))
        pacer.answered(told(4), sentAt: at(3), now: at(4))
        #expect(pacer.window?.remaining == 4 && pacer.window?.endsAt == at(3602), "not ever later with each answer")
        // One that was sent later, and of which more remains: that is one.
        pacer.answered(told(999), sentAt: at(100), now: at(101))
        #expect(pacer.window?.remaining == 999 && pacer.window?.endsAt == at(3701))
    }

    @Test func noHeaderMakesAWaitLongerThanAnHour() {
        let far = Int64(24 * 3600)
        var pacer = self.pacer()
        pacer.answered(headers(0, resetsIn: far), sentAt: at(0), now: at(0))
        #expect(pacer.window?.endsAt == at(3600))
        #expect(pacer.refused(headers(0, resetsIn: far), retryAfter: nil, now: at(0), random: .half) == at(3600.5))
        #expect(pacer.refused(nil, retryAfter: .seconds(far), now: at(0), random: .half) == at(3600.5))
        pacer = self.pacer()
        pacer.restore(.init(limit: 1000, remaining: 0, resetsIn: .seconds(far)), now: at(0))
        #expect(pacer.window?.endsAt == at(3600))
        // A Date that stands still, with a window of the same name: the end does not move.
        pacer = self.pacer()
        for second in 0..<50 {
            pacer.answered(headers(0, resetsIn: 3000), sentAt: at(Double(second)), now: at(Double(second)))
        }
        #expect(pacer.window?.endsAt == at(3000))
        #expect(permission(&pacer, inFlight: 0, now: at(3000.5)) == .send)
    }

    @Test func aWindowThatIsOverAccordingToTheServerStillTakesASecond() {
        var pacer = self.pacer()
        pacer.answered(headers(0, resetsIn: 0), sentAt: at(0), now: at(0))
        #expect(pacer.window?.endsAt == at(1), "the headers have whole seconds")
    }

    @Test func inANewWindowOneRequestGoesAlthoughAnOldOneIsStillOut() {
        var pacer = self.pacer()
        pacer.answered(headers(900, resetsIn: 10), sentAt: at(0), now: at(0))
        #expect(permission(&pacer, inFlight: 1, here: 1, now: at(9)) == .send)
        #expect(permission(&pacer, inFlight: 1, here: 0, now: at(10)) == .send)
        #expect(permission(&pacer, inFlight: 2, here: 1, now: at(10)) == .waitForAnswer, "its answer tells the rest")
    }

    @Test func aNewWindowBringsItsOwnQuotaAndALateAnswerOfTheOldOneDoesNot() {
        var pacer = self.pacer()
        pacer.answered(headers(5, resetsIn: 10, until: 3600), sentAt: at(0), now: at(0))
        pacer.answered(headers(999, resetsIn: 3600, until: 7200), sentAt: at(10), now: at(10))
        #expect(pacer.window?.remaining == 999)
        pacer.answered(headers(3, resetsIn: 0, until: 3600), sentAt: at(10.5), now: at(10.5))
        #expect(pacer.window?.remaining == 999)
    }

    @Test func lostAnswersCountUntilTheServerSaysMore() {
        var pacer = self.pacer()
        pacer.answered(headers(3, resetsIn: 100), sentAt: at(0), now: at(0))
        pacer.lostAnswers(3)
        #expect(permission(&pacer, inFlight: 0, now: at(1)) == .waitForWindow(until: at(100)))
        pacer.failed(headers(2, resetsIn: 98), sentAt: at(2), now: at(2))
        #expect(permission(&pacer, inFlight: 0, now: at(2)) == .send)
    }

    @Test func aRefusalWaitsForTheServersDate() {
        var pacer = self.pacer()
        #expect(pacer.refused(headers(0, resetsIn: 40), retryAfter: nil, now: at(0), random: .half) == at(40.5))
        #expect(permission(&pacer, inFlight: 0, now: at(1)) == .waitForWindow(until: at(40)))
        #expect(permission(&pacer, inFlight: 0, now: at(40)) == .waitForWindow(until: at(40.5)))
        #expect(permission(&pacer, inFlight: 0, now: at(40.5)) == .send)
    }

    @Test func aRefusalWithoutADateWaitsAMinuteThenLongerUpToAnHour() {
        var pacer = self.pacer()
        let waits = (0..<9).map { _ in
            pacer.refused(nil, retryAfter: nil, now: at(0), random: EngineRandom { 0 }) - at(0)
        }
        #expect(waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600].map { .seconds($0) })
        pacer.answered(headers(9, resetsIn: 100), sentAt: at(0), now: at(0))
        #expect(pacer.refused(nil, retryAfter: nil, now: at(0), random: EngineRandom { 0 }) == at(60))
    }

    @Test func aHostThatSaysNothingIsCountedByThePrior() {
        var pacer = self.pacer(prior: 2)
        pacer.answered(nil, sentAt: at(0), now: at(0))
        #expect(permission(&pacer, inFlight: 0, now: at(1)) == .send)
        pacer.answered(nil, sentAt: at(1), now: at(1))
        #expect(permission(&pacer, inFlight: 0, now: at(2)) == .waitForWindow(until: at(3600)))
    }

    @Test func aSuccessorGoesOnWithWhatItsPredecessorKnew() {
        var pacer = self.pacer()
        pacer.restore(.init(limit: 1000, remaining: 0, resetsIn: .seconds(50)), now: at(0))
        #expect(permission(&pacer, inFlight: 0, now: at(1)) == .waitForWindow(until: at(50)))
        // What it knows itself of the same window counts too.
        pacer.restore(.init(limit: 1000, remaining: 9, resetsIn: .seconds(49)), now: at(1))
        #expect(pacer.window?.remaining == 0)
    }

    @Test func whoeverForgetsAWindowForgetsNotWhatNobodyElseCounts() {
        var own = QuotaPacer(prior: 10, reserve: 2)
        for second in 0..<9 { own.answered(nil, sentAt: .at(Double(second)), now: .at(Double(second))) }
        #expect(own.window?.remaining == 1)
        own.forgetWindow(inFlight: 0)
        #expect(own.window?.remaining == 3, "one more than the reserve")
        #expect(own.permission(inFlight: 0, inFlightHere: 0, now: .at(20), random: .half) == .send)
        #expect(own.permission(inFlight: 1, inFlightHere: 1, now: .at(20), random: .half) == .waitForAnswer)
        var told = QuotaPacer(prior: 10, reserve: 2)
        told.window = QuotaPacer.Window(limit: 10, remaining: 0, endsAt: .at(900), until: 5, learnedAt: .at(0))
        told.forgetWindow(inFlight: 0)
        #expect(told.window == nil, "the server's next answer tells it again")
    }

    @Test func aWindowThatTheServerToldIsForgottenWithItsWaitAndItsLostAnswers() {
        let told = QuotaHeaders(limit: 10, remaining: 0, resetsIn: .seconds(900), until: 5)
        var pacer = QuotaPacer(prior: 10, reserve: 0)
        _ = pacer.refused(told, retryAfter: nil, now: .at(0), random: .half)
        pacer.lostAnswers(3)
        pacer.forgetWindow(inFlight: 0)
        #expect(pacer.permission(inFlight: 0, inFlightHere: 0, now: .at(1), random: .half) == .send)
        #expect(pacer.lost == 0 && pacer.window == nil)
        // The end of the window that was forgotten says nothing of the next one's.
        var blind = QuotaPacer(prior: 1, reserve: 0)
        _ = blind.refused(told, retryAfter: nil, now: .at(0), random: .half)
        blind.forgetWindow(inFlight: 0)
        blind.answered(nil, sentAt: .at(1), now: .at(1))
        let end = Moment.at(1) + QuotaPacer.longestWindow
        let resumes = end + .milliseconds(500)
        #expect(
            blind.permission(inFlight: 0, inFlightHere: 0, now: end, random: .half) == .waitForWindow(until: resumes))
    }
}
