import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// The table "what each answer does", line by line.
@Suite(.seated) struct VerdictTests {
    private func verdict(
        _ answer: MarketAnswer<CreatedChat>, quota: QuotaHeaders? = nil, retryAfter: Duration? = nil,
        notFoundFor: Duration? = nil
    ) -> Verdict {
        let row = DueRow(id: 1, contextType: "ORDER", contextID: 555, notFoundFor: notFoundFor)
        let reply = MarketReply(answer: answer, quota: quota, retryAfter: retryAfter, traceID: "00-trace")
        return Verdict.of(reply, row: row, notFoundPatience: .seconds(7200))
    }

    private func refused(
        _ status: Int, _ message: String?, code: String? = "CODE", quota: QuotaHeaders? = nil,
        retryAfter: Duration? = nil, notFoundFor: Duration? = nil
    ) -> Verdict {
        verdict(
            .refused(status: status, problem: MarketProblem(code: code, message: message)), quota: quota,
            retryAfter: retryAfter, notFoundFor: notFoundFor)
    }

    @Test func aChatIsCreated() {
        let verdict = verdict(.ok(CreatedChat(chatID: 77)))
        #expect(verdict.row == .created(chatID: 77) && verdict.business == .answered && verdict.exchange == nil)
    }

    @Test func an200WithoutAChatCountsAsAFailure() {
        let verdict = verdict(.unusable(status: 200, reason: "no result"))
        #expect(verdict.row == .backoff(atLeast: .zero) && verdict.business == .failed)
        #expect(verdict.exchange?.httpStatus == 200 && verdict.exchange?.traceID == "00-trace")
    }

    @Test func a400RejectsWithCodeAndMessage() {
        let verdict = refused(400, "'id' must be greater", code: "BAD_REQUEST")
        #expect(verdict.row == .rejected && verdict.business == .answered)
        #expect(
            verdict.exchange
                == ExchangeRecord(
                    httpStatus: 400, code: "BAD_REQUEST", message: "'id' must be greater", traceID: "00-trace"))
    }

    @Test(arguments: [401, 403]) func aBadKeyHoldsTheBusinessAndBurnsNoAttempt(status: Int) {
        let verdict = refused(status, "Access denied")
        #expect(verdict.row == .deferred && verdict.business == .held(.authorization, for: .seconds(300)))
    }

    @Test(arguments: ["Order not found: '555'", "order not found", "Return 555 does not exist"])
    func a404ThatNamesTheRowIsRetriedUntilThePatienceEnds(message: String) {
        #expect(refused(404, message).row == .backoff(atLeast: .zero))
        #expect(refused(404, message, notFoundFor: .seconds(7199)).row == .backoff(atLeast: .zero))
        #expect(refused(404, message, notFoundFor: .seconds(7200)).row == .rejected)
        #expect(refused(404, message).business == .answered)
    }

    @Test func a404ThatNamesTheRowNeedsNoCode() {
        #expect(refused(404, "Order not found: '555'", code: nil).row == .backoff(atLeast: .zero))
    }

    @Test(
        arguments: [
            (404, "Resource not found", "NOT_FOUND"), (404, nil, "NOT_FOUND"), (404, "<html>return to 555</html>", nil),
            (405, "Request method 'POST' not supported", "X"), (415, "Content type '' not supported", "X"),
        ] as [(Int, String?, String?)])
    func aWrongAddressHoldsTheBusiness(status: Int, message: String?, code: String?) {
        let verdict = refused(status, message, code: code, notFoundFor: .seconds(99_999))
        #expect(verdict.row == .deferred && verdict.business == .held(.misconfigured, for: .seconds(300)))
    }

    @Test func theTwo420sAreToldApart() {
        let quota = "Hit rate limit of 1000 requests per 1 hour for resource R for businessId 1"
        let parallel = "Hit rate limit of 4 parallel requests for businessId 1"
        #expect(refused(420, quota).business == .quotaUsedUp && refused(420, quota).row == .deferred)
        #expect(refused(420, parallel).business == .tooManyInFlight && refused(420, parallel).row == .deferred)
        // A new text: what remains of the quota tells.
        let headers = { QuotaHeaders(limit: 1000, remaining: $0) }
        #expect(refused(420, "Slow down", quota: headers(0)).business == .quotaUsedUp)
        #expect(refused(420, "Slow down", quota: headers(7)).business == .tooManyInFlight)
        #expect(refused(420, nil, code: nil).business == .quotaUsedUp)
    }

    @Test func aMigrationHoldsTheBusinessFor15Minutes() {
        let verdict = refused(423, "Business is in migration")
        #expect(verdict.row == .deferred && verdict.business == .held(.migration, for: .seconds(900)))
    }

    @Test(arguments: [499, 500, 502, 503, 504, 599, 302, 307, 408]) func aFailureBacksOffAndNeverRejects(status: Int) {
        let verdict = refused(status, "x", notFoundFor: .seconds(99_999))
        #expect(verdict.row == .backoff(atLeast: .zero) && verdict.business == .failed)
    }

    @Test func retryAfterIsHonouredUpToAnHour() {
        let verdict = refused(503, "x", retryAfter: .seconds(30))
        #expect(verdict.row == .backoff(atLeast: .seconds(30)) && verdict.business == .overloaded(for: .seconds(30)))
        #expect(refused(503, "x", retryAfter: .seconds(9999)).business == .overloaded(for: .seconds(3600)))
    }

    @Test(arguments: [
        TransportFailure.timedOut, .nameNotResolved("x"), .notConnected("x"), .insecure("x"), .connectionLost("x"),
        .bodyTooLarge,
    ])
    func aLostAnswerBacksOffAndCountsAsAFailure(failure: TransportFailure) {
        let verdict = verdict(.failed(failure))
        #expect(verdict.row == .backoff(atLeast: .zero) && verdict.business == .failed)
        #expect(verdict.exchange?.code != nil)
    }

    @Test func withoutAKeyNothingIsTried() {
        let verdict = verdict(.failed(.noCredentials("no key")))
        #expect(verdict.row == .deferred && verdict.business == .held(.authorization, for: .seconds(300)))
    }

    @Test func aCancelledCallChangesNothing() {
        let verdict = verdict(.failed(.cancelled))
        #expect(verdict.row == .untouched && verdict.business == .nothing)
    }

    @Test(arguments: [402, 418, 451]) func anUnknown4xxKeepsTheRow(status: Int) {
        #expect(refused(status, "new").row == .backoff(atLeast: .zero))
        #expect(refused(status, "new").business == .answered)
    }
}
