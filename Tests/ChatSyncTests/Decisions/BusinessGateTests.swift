import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// Whether a business may send, and what each answer changes about it.
@Suite(.seated) struct BusinessGateTests {
    private let half = EngineRandom { 0.5 }

    private func at(_ seconds: Int64) -> Moment { Moment(sinceStart: .seconds(seconds)) }

    private func gate() -> BusinessGate { BusinessGate(maxParallel: 4, requestsPerWindow: 1000, quotaReserve: 0) }

    @discardableResult
    private func learn(
        _ gate: inout BusinessGate, _ answer: MarketAnswer<CreatedChat>, quota: Int? = 900,
        retryAfter: Duration? = nil, wasProbe: Bool = false, now: Moment
    ) -> Verdict.Row {
        let headers = quota.map { QuotaHeaders(limit: 1000, remaining: $0, resetsIn: .seconds(3000), until: 9) }
        let reply = MarketReply(answer: answer, quota: headers, retryAfter: retryAfter)
        let verdict = Verdict.of(
            reply, row: DueRow(id: 1, contextType: "ORDER", contextID: 1), notFoundPatience: .zero)
        return gate.learn(verdict, from: reply, wasProbe: wasProbe, now: now, random: half)
    }

    private func refusal(_ status: Int, _ message: String = "x") -> MarketAnswer<CreatedChat> {
        .refused(status: status, problem: MarketProblem(code: "X", message: message))
    }

    private let chat = MarketAnswer.ok(CreatedChat(chatID: 1))

    @Test func asManyGoAsMayBeInFlight() {
        var gate = gate()
        learn(&gate, chat, now: at(0))
        #expect(gate.permission(inFlight: 3, now: at(0)) == .send(isProbe: false))
        #expect(gate.permission(inFlight: 4, now: at(0)) == .waitForAnswer)
        gate.isPaused = true
        #expect(gate.permission(inFlight: 0, now: at(0)) == .paused)
    }

    @Test func aHoldEndsWithAProbeThatIsAnswered() {
        var gate = gate()
        learn(&gate, refusal(401), now: at(0))
        #expect(gate.permission(inFlight: 0, now: at(1)) == .wait(until: at(300)))
        #expect(gate.permission(inFlight: 0, now: at(300)) == .send(isProbe: true))
        #expect(gate.permission(inFlight: 1, now: at(300)) == .waitForAnswer)
        // One that was sent before the hold says nothing about it.
        learn(&gate, chat, now: at(2))
        #expect(gate.hold != nil)
        learn(&gate, chat, wasProbe: true, now: at(301))
        #expect(gate.hold == nil)
        #expect(gate.permission(inFlight: 0, now: at(301)) == .send(isProbe: false))
    }

    @Test func aShorterHoldDoesNotEndALongerOne() {
        var gate = gate()
        learn(&gate, refusal(423), now: at(0))
        learn(&gate, refusal(503), retryAfter: .seconds(1), now: at(1))
        #expect(gate.hold?.kind == .migration && gate.hold?.until == at(900))
        gate.holdForDatabase("full", now: at(1))
        #expect(gate.hold?.kind == .migration)
        // A probe has learned what holds now.
        learn(&gate, refusal(401), wasProbe: true, now: at(900))
        #expect(gate.hold?.kind == .authorization && gate.hold?.until == at(1200))
    }

    @Test func refusalsAtTheSameTimeAreOneRefusal() {
        var gate = gate()
        let blind = refusal(420, "Hit rate limit of 1000 requests per hour")
        for _ in 0..<4 { learn(&gate, blind, quota: nil, now: at(0)) }
        let first = gate.hold?.until
        #expect(first.map { $0 - at(0) <= .seconds(61) } == true)
        learn(&gate, blind, quota: nil, wasProbe: true, now: at(100))
        #expect(gate.hold.map { $0.until - at(100) >= .seconds(120) } == true)
    }

    @Test func fiveFailuresInARowOpenTheCircuitAndProbesGrowApart() {
        var gate = gate()
        for _ in 0..<5 {
            #expect(gate.permission(inFlight: 0, now: at(0)) == .send(isProbe: false))
            #expect(learn(&gate, refusal(500), now: at(0)) == .backoff(atLeast: .zero))
        }
        #expect(gate.isCircuitOpen)
        var waits: [Duration] = []
        var now = at(0)
        for _ in 0..<9 {
            guard case .wait(let until) = gate.permission(inFlight: 0, now: now) else {
                Issue.record("no wait at \(now)")
                return
            }
            waits.append(until - now)
            now = until
            #expect(gate.permission(inFlight: 0, now: now) == .send(isProbe: true))
            #expect(learn(&gate, refusal(500), wasProbe: true, now: now) == .deferred, "a probe burns no attempt")
        }
        #expect(waits == waits.sorted() && waits.allSatisfy { $0 <= .seconds(60) } && waits.last! >= .seconds(30))
        learn(&gate, chat, wasProbe: true, now: now)
        #expect(!gate.isCircuitOpen)
    }

    @Test func anOverloadThatNeverEndsOpensTheCircuitToo() {
        var gate = gate()
        for _ in 0..<5 { learn(&gate, refusal(503), retryAfter: .seconds(1), now: at(0)) }
        #expect(gate.isCircuitOpen && gate.hold?.kind == .overloaded)
    }

    @Test func tooManyInFlightMakesAPauseThenFewerAndSlowlyMore() {
        var gate = gate()
        learn(&gate, refusal(420, "Hit rate limit of 4 parallel requests"), now: at(0))
        guard case .wait(let until) = gate.permission(inFlight: 0, now: at(0)) else {
            Issue.record("no pause")
            return
        }
        #expect(until - at(0) >= .seconds(1) && until - at(0) <= .seconds(2))
        #expect(gate.permission(inFlight: 3, now: at(9)) == .waitForAnswer)
        for _ in 0..<20 { learn(&gate, chat, now: at(9)) }
        #expect(gate.permission(inFlight: 3, now: at(9)) == .send(isProbe: false))
    }

    @Test func quickRepeatsAreForAHealthyBusinessAlone() {
        var gate = gate()
        learn(&gate, chat, quota: 2, now: at(0))
        #expect(gate.allowsRepeats(inFlight: 1, now: at(0)))
        #expect(!gate.allowsRepeats(inFlight: 2, now: at(0)))
        learn(&gate, refusal(401), now: at(0))
        #expect(!gate.allowsRepeats(inFlight: 0, now: at(0)))
    }

    @Test func aNewKeyIsTriedAtOnce() {
        var gate = gate()
        learn(&gate, refusal(403), now: at(0))
        gate.recheck(now: at(5))
        #expect(gate.permission(inFlight: 0, now: at(5)) == .send(isProbe: true))
        // Nobody but the Market ends a migration.
        learn(&gate, refusal(423), wasProbe: true, now: at(5))
        gate.recheck(now: at(6))
        #expect(gate.permission(inFlight: 0, now: at(6)) == .wait(until: at(905)))
    }

    @Test func aSuccessorKeepsWhatItCannotMend() {
        var gate = gate()
        learn(&gate, refusal(423), quota: 10, now: at(0))
        let record = gate.record(of: 11, inFlight: 3, now: at(100))
        #expect(record.hold?.endsIn == .seconds(800) && record.hold?.reason.hasPrefix("migration: 423") == true)
        #expect(record.quota?.remaining == 7, "what is in flight may be counted by then")
        var next = self.gate()
        next.restore(record, now: at(0))
        #expect(next.permission(inFlight: 0, now: at(0)) == .wait(until: at(800)))
        // Where a person had to act, a start is the time to look whether it was done.
        var other = self.gate()
        other.restore(
            BusinessRecord(businessID: 11, hold: .init(reason: "authorization: 401", endsIn: .seconds(99))), now: at(0))
        #expect(other.permission(inFlight: 0, now: at(0)) == .send(isProbe: true))
    }
}
