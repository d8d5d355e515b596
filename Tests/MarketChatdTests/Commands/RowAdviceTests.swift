import ChatOutbox
import ChatSync
import TestSupport
import Testing

@testable import MarketChatd

/// What `explain` says of each answer, and of each reason to wait.
@Suite(.concurrencyLimited) struct RowAdviceTests {
    private let patience = Verdict.Patience(environment: [
        "CHATD_NOT_FOUND_PATIENCE": "30m", "CHATD_RETRY_MAX": "never",
    ])

    private func story(
        state: String = "pending", waiting: RowStory.Waiting? = nil, _ exchanges: [RowStory.Exchange] = []
    ) -> RowStory {
        var story = RowStory(
            id: 17, businessID: 11, contextType: "ORDER", contextID: 5, state: state,
            createdAt: "2026-11-27T09:00:00.000Z",
            dueAt: "2026-11-27T09:00:00.000Z", lookedAt: "2026-11-27T09:30:00.000Z")
        story.waiting = waiting
        story.exchanges = exchanges
        return story
    }

    private func exchange(
        _ status: Int?, _ code: String?, _ message: String? = nil, _ verdict: String = "backoff"
    ) -> RowStory.Exchange {
        RowStory.Exchange(
            at: "2026-11-27T09:00:01.000Z", httpStatus: status, code: code, message: message, traceID: "00-1-2-00",
            verdict: verdict)
    }

    private func advice(_ story: RowStory) -> RowAdvice { RowAdvice(story, patience: patience) }

    private func waiting(_ reason: String, in next: Duration? = .seconds(90)) -> RowStory.Waiting {
        RowStory.Waiting(reason: reason, nextTryIn: next, rowsBefore: 3)
    }

    /// The daemon's own verdict chooses the words.
    @Test(
        arguments: [
            (
                401, "UNAUTHORIZED", "", "deferred",
                "The API key was refused, or there is none: the whole business is held"
            ),
            (403, "FORBIDDEN", "", "deferred", "The key may not do this, for this row or for the whole business."),
            (404, "NOT_FOUND", "Order not found: 5", "backoff", "The Market does not know this order, or not yet"),
            (404, "NOT_FOUND", "Resource not found", "deferred", "The Market does not know the address that was asked"),
            (415, nil, "", "deferred", "The Market does not know the address that was asked"),
            (418, nil, "", "backoff", "HTTP 418 is not documented."),
            (
                420, "LIMIT", "Hit rate limit of 1000 requests per hour", "deferred",
                "The quota of the business was used up"
            ),
            (
                420, "LIMIT", "Hit rate limit of 4 parallel requests", "deferred",
                "Too many requests were in flight at once"
            ),
            (423, "LOCKED", "", "deferred", "The vendor is moving the cabinet: the whole business is held for 15 min"),
            (500, nil, "", "backoff", "The Market failed, was too slow, or answered with what is of no use."),
            (200, "UNUSABLE_ANSWER", "the body is empty", "backoff", "The Market failed, was too slow"),
            (nil, "TIMEOUT", "", "backoff", "The Market failed, was too slow"),
            (nil, "NOT_CONNECTED", "refused", "backoff", "No connection to the Market came about"),
            (nil, "TLS", "expired", "backoff", "No connection to the Market came about"),
            (nil, "NO_CREDENTIALS", "no key", "deferred", "The API key was refused, or there is none"),
            (
                nil, "P0001", "no such order", "refused",
                "The Market has answered, and this database refused to take the result."
            ),
            (nil, "SOMETHING_NEW", "", "backoff", "The last answer is of a kind that this program does not know."),
        ] as [(Int?, String?, String, String, String)])
    func theLastAnswerIsPutIntoWords(status: Int?, code: String?, message: String, verdict: String, meaning: String) {
        let story = story(waiting: waiting("backoff"), [exchange(status, code, message, verdict)])
        let found = advice(story).meaning ?? ""
        #expect(found.hasPrefix(meaning), "\(found)")
    }

    @Test func thePatienceIsTheDaemonsOwn() {
        let story = story(waiting: waiting("backoff"), [exchange(404, "NOT_FOUND", "Order not found: 5")])
        #expect(advice(story).meaning?.contains("CHATD_NOT_FOUND_PATIENCE (30m here)") == true)
        let sick = self.story(waiting: waiting("backoff"), [exchange(500, nil)])
        // A mistake counts as the default.
        #expect(advice(sick).meaning?.contains("(2s to 15m here)") == true)
    }

    @Test(arguments: [
        (
            "due", "It is sent in its turn: 3 due rows go before it; its turn comes at about 2026-11-27 09:30:02Z.",
            []
        ),
        (
            "scheduled", "It becomes due in 90 s, at 2026-11-27 09:31:30Z; then it is sent in its turn.",
            ["retry --id 17"]
        ),
        ("backoff", "It is tried again in 90 s, at 2026-11-27 09:31:30Z.", ["retry --id 17"]),
        (
            "backoff: its result cannot be written, see last_error",
            "It is written again within seconds",
            ["Mend the trigger"]
        ),
        (
            "held: authorization: 401",
            "One row is tried every 5 minutes, next in 90 s, at 2026-11-27 09:31:30Z, until a",
            ["MARKET_API_KEY", "reload", "resume --business 11 --now"]
        ),
        (
            "held: quota: used up",
            "The business goes on in 90 s, at 2026-11-27 09:31:30Z; then 3 due rows go before it; its turn comes at about"
                + " 2026-11-27 09:31:32Z.", ["by itself"]
        ),
        ("held: migration: 423", "The business goes on in 90 s", ["resume --business 11 --now"]),
        ("held: circuit: ORDER: 5 failures in a row", "One probe at a time asks", ["network"]),
        ("held: something new", "The business goes on in 90 s", ["resume --business 11 --now"]),
        ("paused", "Nothing, until the business is resumed.", ["market-chatd resume --business 11"]),
        ("no owner", "Nothing, until a daemon serves the business; then 3", ["MARKET_BUSINESS_IDS", "--dry-run"]),
        ("of another version", "It is tried in 90 s", ["retry --id 17"]),
    ])
    func eachReasonToWaitHasItsNextStepAndItsCure(reason: String, next: String, cures: [String]) {
        let advice = advice(story(waiting: waiting(reason)))
        #expect(advice.next.hasPrefix(next), "\(advice.next)")
        #expect(advice.cures.count == cures.count, "\(advice.cures)")
        for (found, cure) in zip(advice.cures, cures) { #expect(found.contains(cure), "\(found)") }
    }

    /// A full window of 1,000, then two that are full as well.
    @Test func rowsThatGoFirstTakeWindowsOfTheQuota() {
        var waiting = RowStory.Waiting(
            reason: "due", nextTryIn: .zero, rowsBefore: 2099,
            quota: BusinessRecord.Quota(limit: 1000, remaining: 100, resetsIn: .seconds(600)))
        #expect(advice(story(waiting: waiting)).next.hasSuffix("its turn comes at about 2026-11-27 10:48:20Z."))
        waiting.rowsBefore = RowStory.countLimit
        #expect(advice(story(waiting: waiting)).next.contains("10000 due rows or more go before it; its turn does not"))
        waiting.rowsBefore = 0
        #expect(advice(story(waiting: waiting)).next == "It is sent in its turn: no due row goes before it.")
    }

    @Test func aTimeThatNeverComesIsNotReckoned() {
        var story = story(waiting: waiting("scheduled", in: .seconds(1000 * 365 * 86_400)))
        story.dueAt = "infinity"
        #expect(advice(story).next == "It becomes due never: its due_at is infinity; then it is sent in its turn.")
        #expect(advice(self.story(waiting: waiting("backoff", in: .zero))).next == "It is tried again at once.")
        #expect(advice(self.story(waiting: waiting("backoff", in: nil))).next.contains("nobody knows"))
    }

    @Test func aSettledRowWaitsForNothing() {
        #expect(advice(story(state: "created")).next == "Nothing: the row is settled.")
        #expect(advice(story(state: "created")).cures.isEmpty)
        let rejected = advice(story(state: "rejected", [exchange(400, "BAD_REQUEST", "DBS", "rejected")]))
        #expect(rejected.meaning?.hasPrefix("The Market will not create a chat for this order") == true)
        #expect(rejected.cures.last == "market-chatd retry --id 17")
        let late = advice(story(state: "rejected", [exchange(404, "NOT_FOUND", "Order not found", "rejected")]))
        #expect(late.meaning?.contains("CHATD_NOT_FOUND_PATIENCE") == true)
        #expect(late.cures.first == "Check that the Market has ORDER 5 in business 11.")
    }

    @Test func aRowThatIsTriedAgainIsNotSaidToBeLost() {
        let story = story(waiting: waiting("due"), [exchange(400, "BAD_REQUEST", "DBS", "rejected")])
        #expect(
            advice(story).meaning
                == "It was rejected, and a person had it tried again: attempts and patience start anew.")
    }

    @Test func aStateOfAnotherVersionIsNoCrash() {
        let advice = advice(story(state: "split\u{1B}"))
        #expect(advice.headline == "split\\u{1b}")
        #expect(advice.next.hasPrefix("Nobody knows"))
    }
}
