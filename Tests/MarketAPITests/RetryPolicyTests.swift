import TestSupport
import Testing

@testable import MarketAPI

@Suite(.concurrencyLimited) struct RetryPolicyTests {
    private let policy = RetryPolicy(
        maxTries: 3, baseDelay: .milliseconds(100), maxDelay: .milliseconds(1000), totalLimit: .seconds(10))

    @Test(
        arguments: [
            (1, 0.0, 0), (1, 0.5, 50), (2, 0.5, 100), (3, 0.5, 200), (4, 0.5, 400), (5, 0.5, 500), (6, 0.5, 500),
            (.max, 0.5, 500), (0, 0.5, 50), (.min, 0.5, 50), (1, -1, 0), (1, .nan, 0), (1, 2, 100), (1, .infinity, 100),
        ] as [(Int, Double, Int)])
    func thePauseIsARandomShareOfABoundThatDoubles(tries: Int, random: Double, milliseconds: Int) {
        #expect(policy.delay(afterTry: tries, random: random) == .milliseconds(milliseconds))
    }

    @Test func impossibleDelaysAreNone() {
        let negative = RetryPolicy(baseDelay: .seconds(-1), maxDelay: .seconds(-1))
        #expect(negative.delay(afterTry: 5, random: 0.9) == .zero)
        let zero = RetryPolicy(baseDelay: .zero, maxDelay: .seconds(1))
        #expect(zero.delay(afterTry: 1000, random: 0.9) == .zero)
        let endless = RetryPolicy(baseDelay: .seconds(1), maxDelay: .seconds(Int64.max))
        #expect(endless.delay(afterTry: 1000, random: 0.5) > .zero)
    }

    @Test(arguments: 100...599)
    func only5xxAnd499AreWorthRepeating(status: Int) {
        let answer = MarketAnswer<CreatedChat>.httpError(status: status, problem: MarketProblem())
        #expect(RetryPolicy.isWorthRepeating(answer) == (status == 499 || status >= 500))
    }

    @Test(
        arguments: [
            (MarketAnswer.ok(CreatedChat(chatID: 1)), false), (.malformed(status: 200, reason: ""), false),
            (.failed(.timedOut), true), (.failed(.nameNotResolved("")), true), (.failed(.notConnected("")), true),
            (.failed(.connectionLost("")), true), (.failed(.insecure("")), false), (.failed(.bodyTooLarge), false),
            (.failed(.noCredentials("")), false), (.failed(.cancelled), false),
        ] as [(MarketAnswer<CreatedChat>, Bool)])
    func onlyFailuresThatMayPassAreWorthRepeating(answer: MarketAnswer<CreatedChat>, isWorth: Bool) {
        #expect(RetryPolicy.isWorthRepeating(answer) == isWorth)
    }

    private func pause(
        tries: Int = 1, elapsed: Duration = .zero, retryAfter: Duration? = nil, random: Double = 0.5
    ) -> Duration? {
        let reply = MarketReply<CreatedChat>(answer: .failed(.timedOut), retryAfter: retryAfter)
        return policy.pause(after: reply, tries: tries, elapsed: elapsed, random: random)
    }

    @Test func triesAndTimeAreBounded() {
        #expect(pause(tries: 2) == .milliseconds(100))
        #expect(pause(tries: 3) == nil)
        #expect(pause(elapsed: .milliseconds(9950)) == .milliseconds(50))
        #expect(pause(elapsed: .milliseconds(9951)) == nil)
    }

    @Test func retryAfterIsKeptUpToTheCapAndBeyondItTheReplyStands() {
        #expect(pause(retryAfter: .milliseconds(700)) == .milliseconds(700))
        #expect(pause(retryAfter: .milliseconds(20)) == .milliseconds(50))
        #expect(pause(retryAfter: .milliseconds(1000)) == .milliseconds(1000))
        #expect(pause(retryAfter: .milliseconds(1001)) == nil)
    }
}
