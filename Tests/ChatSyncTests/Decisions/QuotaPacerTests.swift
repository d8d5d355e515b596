import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// How the cabinet's quota is kept.
@Suite(.seated) struct QuotaPacerTests {
    private func at(_ seconds: Double) -> Moment { Moment(sinceStart: .milliseconds(Int64(seconds * 1000))) }

    private func headers(_ remaining: Int, resetsIn seconds: Int64, until: Int64? = nil) -> QuotaHeaders {
        QuotaHeaders(limit: 1000, remaining: remaining, resetsIn: .seconds(seconds), until: until ?? 3600)
    }

    @Test func inAnUnknownWindowOneRequestGoesAlone() {
        var pacer = QuotaPacer(prior: 1000, reserve: 0)
        #expect(pacer.permission(inFlight: 0, now: at(0)) == .send)
        #expect(pacer.permission(inFlight: 1, now: at(0)) == .waitForAnswer)
    }

    @Test func whatRemainsIsUsedAtOnceAndNoMore() {
        var pacer = QuotaPacer(prior: 1000, reserve: 0)
        pacer.answered(headers(2, resetsIn: 100), now: at(0))
        #expect(pacer.permission(inFlight: 1, now: at(1)) == .send)
        #expect(pacer.permission(inFlight: 2, now: at(1)) == .waitForAnswer)
        pacer.answered(headers(0, resetsIn: 99), now: at(1))
        #expect(pacer.permission(inFlight: 0, now: at(2)) == .waitForWindow(until: at(100)))
        #expect(pacer.permission(inFlight: 0, now: at(100)) == .send)
    }

    @Test func theReserveIsLeftToOthers() {
        var pacer = QuotaPacer(prior: 1000, reserve: 50)
        pacer.answered(headers(51, resetsIn: 100), now: at(0))
        #expect(pacer.permission(inFlight: 0, now: at(0)) == .send)
        #expect(pacer.permission(inFlight: 1, now: at(0)) == .waitForAnswer)
        #expect(!pacer.allowsRepeat(inFlight: 1, now: at(0)))
        #expect(pacer.allowsRepeat(inFlight: 0, now: at(0)))
        pacer.answered(headers(50, resetsIn: 100), now: at(0))
        #expect(pacer.permission(inFlight: 0, now: at(0)) == .waitForWindow(until: at(100)))
    }

    @Test func answersThatOvertakeEachOtherOnlyLowerWhatRemains() {
        var pacer = QuotaPacer(prior: 1000, reserve: 0)
        pacer.answered(headers(5, resetsIn: 100), now: at(0))
        pacer.answered(headers(7, resetsIn: 101), now: at(0))
        #expect(pacer.window?.remaining == 5 && pacer.window?.endsAt == at(100))
    }

    @Test func aNewWindowBringsItsOwnQuotaAndALateAnswerOfTheOldOneDoesNot() {
        var pacer = QuotaPacer(prior: 1000, reserve: 0)
        pacer.answered(headers(5, resetsIn: 10, until: 3600), now: at(0))
        pacer.answered(headers(999, resetsIn: 3600, until: 7200), now: at(10))
        #expect(pacer.window?.remaining == 999)
        pacer.answered(headers(3, resetsIn: 0, until: 3600), now: at(10.5))
        #expect(pacer.window?.remaining == 999)
    }

    @Test func lostAnswersCountUntilTheServerSaysMore() {
        var pacer = QuotaPacer(prior: 1000, reserve: 0)
        pacer.answered(headers(3, resetsIn: 100), now: at(0))
        pacer.lostAnswers(3)
        #expect(pacer.permission(inFlight: 0, now: at(1)) == .waitForWindow(until: at(100)))
        pacer.failed(headers(2, resetsIn: 98), now: at(2))
        #expect(pacer.permission(inFlight: 0, now: at(2)) == .send)
    }

    @Test func aRefusalWaitsForTheServersDate() {
        var pacer = QuotaPacer(prior: 1000, reserve: 0)
        #expect(pacer.refused(headers(0, resetsIn: 40), retryAfter: nil, now: at(0), chance: 0.5) == at(40.5))
        #expect(pacer.permission(inFlight: 0, now: at(1)) == .waitForWindow(until: at(40.5)))
    }

    @Test func aRefusalWithoutADateWaitsAMinuteThenLongerUpToAnHour() {
        var pacer = QuotaPacer(prior: 1000, reserve: 0)
        let waits = (0..<9).map { _ in pacer.refused(nil, retryAfter: nil, now: at(0), chance: 0) - at(0) }
        #expect(waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600].map { .seconds($0) })
        pacer.answered(headers(9, resetsIn: 100), now: at(0))
        #expect(pacer.refused(nil, retryAfter: nil, now: at(0), chance: 0) == at(60))
    }

    @Test func aHostThatSaysNothingIsCountedByThePrior() {
        var pacer = QuotaPacer(prior: 2, reserve: 0)
        pacer.answered(nil, now: at(0))
        #expect(pacer.permission(inFlight: 0, now: at(1)) == .send)
        pacer.answered(nil, now: at(1))
        #expect(pacer.permission(inFlight: 0, now: at(2)) == .waitForWindow(until: at(3600)))
    }

    @Test func aSuccessorGoesOnWithWhatItsPredecessorKnew() {
        var pacer = QuotaPacer(prior: 1000, reserve: 0)
        pacer.restore(.init(limit: 1000, remaining: 0, resetsIn: .seconds(50)), now: at(0))
        #expect(pacer.permission(inFlight: 0, now: at(1)) == .waitForWindow(until: at(50)))
        // What it knows itself of the same window counts too.
        pacer.restore(.init(limit: 1000, remaining: 9, resetsIn: .seconds(49)), now: at(1))
        #expect(pacer.window?.remaining == 0)
    }
}
