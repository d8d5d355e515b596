import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// The table "what each answer does", line by line.
@Suite(.concurrencyLimited) struct VerdictTests {
    /// Two seconds, of which chance leaves three quarters.
    private static let backoff = RowResult.Change.backoff(.milliseconds(1500))

    private func verdict(
        _ answer: MarketAnswer<CreatedChat>, quota: QuotaHeaders? = nil, retryAfter: Duration? = nil,
        notFoundFor: Duration? = nil, notFoundCount: Int = 0, contextID: Int64 = 555
    ) -> Verdict {
        let row = DueRow(
            id: 1, contextType: "ORDER", contextID: contextID, notFoundFor: notFoundFor, notFoundCount: notFoundCount)
        let reply = MarketReply(answer: answer, quota: quota, retryAfter: retryAfter, traceID: "00-trace")
        let patience = Verdict.Patience(
            backoff: Backoff(base: .seconds(2), max: .seconds(900)), notFound: .seconds(7200))
        return Verdict.of(reply, row: row, businessID: 12345, patience: patience, random: 0.5)
    }

    private func refused(
        _ status: Int, _ message: String?, code: String? = "CODE", quota: QuotaHeaders? = nil,
        retryAfter: Duration? = nil, notFoundFor: Duration? = nil, notFoundCount: Int = 0, contextID: Int64 = 555
    ) -> Verdict {
        verdict(
            .httpError(status: status, problem: MarketProblem(code: code, message: message)), quota: quota,
            retryAfter: retryAfter, notFoundFor: notFoundFor, notFoundCount: notFoundCount, contextID: contextID)
    }

    @Test func aChatIsCreated() {
        let verdict = verdict(.ok(CreatedChat(chatID: 77)))
        #expect(verdict.change == .created(chatID: 77) && verdict.evidence == .answered && verdict.exchange == nil)
    }

    @Test func an200WithoutAChatCountsAsAFailure() {
        let verdict = verdict(.malformed(status: 200, reason: "no result"))
        #expect(verdict.change == Self.backoff && verdict.evidence == .failed(retryAfter: nil))
        #expect(verdict.exchange?.httpStatus == 200 && verdict.exchange?.traceID == "00-trace")
    }

    @Test func a400RejectsWithCodeAndMessage() {
        let verdict = refused(400, "'id' must be greater", code: "BAD_REQUEST")
        #expect(verdict.change == .rejected && verdict.evidence == .answered)
        #expect(
            verdict.exchange
                == ExchangeRecord(
                    httpStatus: 400, code: "BAD_REQUEST", message: "'id' must be greater", traceID: "00-trace"))
    }

    @Test func a403BurnsNoAttemptAndIsDoubtAboutTheKey() {
        let verdict = refused(403, "Access denied")
        #expect(verdict.change == .deferred && verdict.evidence == .forbidden)
    }

    @Test func a401HoldsTheBusinessAndBurnsNoAttempt() {
        let verdict = refused(401, "Api-Key token is invalid")
        #expect(verdict.change == .deferred && verdict.evidence == .held(.authorization, for: .seconds(300)))
    }

    @Test(arguments: ["Order not found: '555'", "order not found", "Return 555 does not exist"])
    func a404ThatNamesTheRowIsRetriedUntilThePatienceEnds(message: String) {
        #expect(refused(404, message).change == Self.backoff)
        #expect(refused(404, message, notFoundFor: .seconds(7199)).change == Self.backoff)
        #expect(refused(404, message, notFoundFor: .seconds(7200), notFoundCount: 3).change == .rejected)
        #expect(
            refused(404, message, notFoundFor: .seconds(7200), notFoundCount: 2).change != .rejected,
            "asked but three times"
        )
        #expect(refused(404, message).evidence == .answered)
    }

    @Test func a404ThatNamesTheRowNeedsNoCode() {
        #expect(refused(404, "Order not found: '555'", code: nil).change == Self.backoff)
    }

    @Test(
        arguments: [
            (404, "Resource not found", "NOT_FOUND"), (404, nil, "NOT_FOUND"), (404, "<html>return to 555</html>", nil),
            (405, "Request method 'POST' not supported", "X"), (415, "Content type '' not supported", "X"),
        ] as [(Int, String?, String?)])
    func aWrongAddressHoldsTheBusiness(status: Int, message: String?, code: String?) {
        let verdict = refused(status, message, code: code, notFoundFor: .seconds(99_999))
        #expect(verdict.change == .deferred && verdict.evidence == .held(.misconfigured, for: .seconds(300)))
    }

    @Test func theTwo420sAreToldApart() {
        let quota = "Hit rate limit of 1000 requests per 1 hour for resource R for businessId 1"
        let parallel = "Hit rate limit of 4 parallel requests for businessId 1"
        #expect(refused(420, quota).evidence == .quotaUsedUp && refused(420, quota).change == .deferred)
        #expect(refused(420, parallel).evidence == .tooManyInFlight && refused(420, parallel).change == .deferred)
        // A new text: what remains of the quota tells.
        let headers = { QuotaHeaders(limit: 1000, remaining: $0) }
        #expect(refused(420, "Slow down", quota: headers(0)).evidence == .quotaUsedUp)
        #expect(refused(420, "Slow down", quota: headers(7)).evidence == .tooManyInFlight)
        #expect(refused(420, nil, code: nil).evidence == .quotaUsedUp)
    }

    @Test func aMigrationHoldsTheBusinessFor15Minutes() {
        let verdict = refused(423, "Business is in migration")
        #expect(verdict.change == .deferred && verdict.evidence == .held(.migration, for: .seconds(900)))
    }

    @Test(arguments: [499, 500, 502, 503, 504, 599, 302, 307, 408]) func aFailureBacksOffAndNeverRejects(status: Int) {
        let verdict = refused(status, "x", notFoundFor: .seconds(99_999))
        #expect(verdict.change == Self.backoff && verdict.evidence == .failed(retryAfter: nil))
    }

    @Test func retryAfterIsHonouredUpToAnHour() {
        let verdict = refused(503, "x", retryAfter: .seconds(30))
        #expect(verdict.change == .backoff(.seconds(30)) && verdict.evidence == .failed(retryAfter: .seconds(30)))
        #expect(refused(503, "x", retryAfter: .seconds(86_400)).change == .backoff(.seconds(3600)))
        #expect(refused(503, "x", retryAfter: .seconds(86_400)).evidence == .failed(retryAfter: .seconds(3600)))
        // Sooner than the row's own backoff is no reason to hurry.
        #expect(refused(503, "x", retryAfter: .milliseconds(10)).change == Self.backoff)
    }

    @Test func aRowIsNotNamedByTheNumberOfItsCabinet() {
        // Row 23 is not named by 12345, nor a row by its cabinet's number.
        for contextID in [23, 123, 12345] as [Int64] {
            let verdict = refused(404, "Business 12345 not found", contextID: contextID)
            #expect(verdict.evidence == .held(.misconfigured, for: .seconds(300)), "\(contextID)")
        }
        #expect(refused(404, "Nothing is known of 23", contextID: 23).evidence == .answered)
    }

    @Test func anOrderThatIsNotFoundIsAskedForLessAndLessOften() {
        let patience = Verdict.Patience(
            backoff: Backoff(base: .seconds(2), max: .seconds(900)), notFound: .seconds(7200))
        let waits = (0..<7).map { attempts -> RowResult.Change? in
            Verdict.of(
                .error(404, "Order not found"), row: .test(1, attempts: attempts), businessID: 1, patience: patience,
                random: 0
            ).change
        }
        #expect(waits == [1, 2, 4, 16, 64, 256, 450].map { .backoff(.seconds($0)) })
    }

    @Test(arguments: [
        TransportFailure.timedOut, .connectionLost("x"), .bodyTooLarge,
    ])
    func aLostAnswerBacksOffAndCountsAsAFailure(failure: TransportFailure) {
        let verdict = verdict(.failed(failure))
        #expect(verdict.change == Self.backoff && verdict.evidence == .failed(retryAfter: nil))
        #expect(verdict.exchange?.code != nil)
    }

    @Test(arguments: [TransportFailure.nameNotResolved("x"), .notConnected("x"), .insecure("x")])
    func aConnectionThatDoesNotComeAboutIsTheHosts(failure: TransportFailure) {
        let verdict = verdict(.failed(failure))
        #expect(verdict.change == Self.backoff && verdict.evidence == .hostIsAway)
    }

    @Test func withoutAKeyNothingIsTried() {
        let verdict = verdict(.failed(.noCredentials("no key")))
        #expect(verdict.change == .deferred && verdict.evidence == .held(.authorization, for: .seconds(300)))
    }

    @Test func aCancelledCallChangesNothing() {
        let verdict = verdict(.failed(.cancelled))
        #expect(verdict.change == nil && verdict.evidence == .nothing)
    }

    @Test(arguments: [402, 418, 451]) func anUnknown4xxKeepsTheRow(status: Int) {
        #expect(refused(status, "new").change == Self.backoff)
        #expect(refused(status, "new").evidence == .odd(status: status))
    }
}
