import MarketAPI
import Synchronization
import TestSupport
import Testing

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct RetryingMarketClientTests {
    private static let ok = MarketReply(answer: MarketAnswer.ok(CreatedChat(chatID: 7)))
    private static let away = MarketReply<CreatedChat>(answer: .httpError(status: 503, problem: MarketProblem()))
    private static let late = MarketReply<CreatedChat>(answer: .failed(.timedOut))

    private let policy = RetryPolicy(
        maxTries: 3, baseDelay: .milliseconds(100), maxDelay: .seconds(1), totalLimit: .seconds(10))

    private func run(
        _ replies: [MarketReply<CreatedChat>], clock: SimulatedClock = SimulatedClock(),
        exchangeTakes: Duration = .zero, mayRetry: @escaping @Sendable (CreateChatRequest) -> Bool = { _ in true }
    ) async -> (reply: MarketReply<CreatedChat>, exchanges: Int, sleeps: [Duration]) {
        let market = ScriptedMarket(replies, clock: clock, exchangeTakes: exchangeTakes)
        let client = RetryingMarketClient(
            market, policy: policy, clock: clock, random: { 0.5 }, mayRetry: mayRetry)
        let reply = await client.createChat(someChat)
        return (reply, market.exchanges, clock.sleeps)
    }

    @Test func aSuccessIsNotRepeated() async {
        let (reply, exchanges, sleeps) = await run([Self.ok, Self.ok])
        #expect(reply == Self.ok)
        #expect(exchanges == 1)
        #expect(sleeps == [])
    }

    @Test func whatPassesIsRepeatedWithGrowingPausesAndTheTriesAreSummed() async {
        let (reply, exchanges, sleeps) = await run([Self.away, Self.late, Self.ok])
        #expect(reply.answer == .ok(CreatedChat(chatID: 7)))
        #expect(reply.tries == 3)
        #expect(exchanges == 3)
        #expect(sleeps == [.milliseconds(50), .milliseconds(100)])
    }

    @Test func afterTheLastTryTheLastReplyStands() async {
        let (reply, exchanges, _) = await run([Self.late, Self.late, Self.away, Self.ok])
        #expect(reply.answer == Self.away.answer)
        #expect(reply.tries == 3)
        #expect(exchanges == 3)
    }

    @Test(arguments: [200, 301, 400, 401, 403, 404, 405, 420, 423])
    func aDecisionOfTheMarketIsNotRepeated(status: Int) async {
        let answer: MarketAnswer<CreatedChat> =
            status == 200 ? .malformed(status: 200, reason: "x") : .httpError(status: status, problem: MarketProblem())
        let (reply, exchanges, sleeps) = await run([MarketReply(answer: answer), Self.ok])
        #expect(reply.answer == answer)
        #expect(exchanges == 1)
        #expect(sleeps == [])
    }

    @Test func aShortRetryAfterIsWaitedForAndALongOneEndsTheRepeating() async {
        var asking = Self.away
        asking.retryAfter = .milliseconds(900)
        let short = await run([asking, Self.ok])
        #expect(short.reply.answer == .ok(CreatedChat(chatID: 7)))
        #expect(short.sleeps == [.milliseconds(900)])
        asking.retryAfter = .seconds(2)
        let long = await run([asking, Self.ok])
        #expect(long.reply == asking)
        #expect(long.exchanges == 1)
    }

    @Test func noRepeatBeginsAfterTheTotalLimit() async {
        let (reply, exchanges, _) = await run([Self.late, Self.late, Self.ok], exchangeTakes: .seconds(9))
        #expect(reply.answer == .failed(.timedOut))
        #expect(exchanges == 2)
    }

    @Test func theCallerMayForbidRepeats() async {
        let (reply, exchanges, sleeps) = await run([Self.away, Self.ok], mayRetry: { $0 != someChat })
        #expect(reply == Self.away)
        #expect(exchanges == 1)
        #expect(sleeps == [])
    }

    @Test func theCallerMayForbidARepeatDuringItsPause() async {
        let isDraining = Mutex(false)
        let clock = SimulatedClock { isDraining.withLock { $0 = true } }
        let (reply, exchanges, _) = await run(
            [Self.away, Self.ok], clock: clock, mayRetry: { _ in isDraining.withLock { !$0 } })
        #expect(reply == Self.away)
        #expect(exchanges == 1)
    }

    @Test func cancellationInAPauseGivesTheLastReply() async {
        let clock = SimulatedClock { throw CancellationError() }
        let (reply, exchanges, _) = await run([Self.away, Self.ok], clock: clock)
        #expect(reply == Self.away)
        #expect(exchanges == 1)
    }

    @Test func aCancelledTaskDoesNotRepeat() async {
        let exchanges = await withTaskGroup(of: Int.self) { group in
            group.cancelAll()
            group.addTask { await run([Self.away, Self.ok]).exchanges }
            return await group.next()
        }
        #expect(exchanges == 1)
    }

    @Test func theOtherCallsAreRepeatedToo() async {
        let clock = SimulatedClock()
        let market = ScriptedMarket([Self.away, Self.ok, Self.late, Self.ok], clock: clock)
        let client = RetryingMarketClient(market, policy: policy, clock: clock, random: { 0 }, mayRetry: { _ in false })
        let info = await client.keyInfo(businessID: 1)
        #expect(info == MarketReply(answer: .ok(APIKeyInfo(name: nil, scopes: [])), tries: 2))
        let page = await client.campaigns(businessID: 1, pageToken: "p")
        var expected = MarketReply(answer: .ok(CampaignPage(campaigns: [], nextPageToken: "p")), tries: 2)
        expected.lostTries = 1
        #expect(page == expected, "the Market may have counted the one that timed out")
    }
}
