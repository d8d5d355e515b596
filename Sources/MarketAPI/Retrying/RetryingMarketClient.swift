/// Repeats what may pass in a moment, by a ``RetryPolicy``. Its reply is that of the last exchange, with the number of
/// all of them as ``MarketReply/tries``.
///
/// It ends within the policy's ``RetryPolicy/totalLimit`` and one exchange of the base.
public struct RetryingMarketClient<Base: MarketClient>: MarketClient {
    private let base: Base
    private let policy: RetryPolicy
    private let clock: any Clock<Duration>
    private let random: @Sendable () -> Double
    private let mayRetry: @Sendable (CreateChatRequest) -> Bool

    /// - Parameters:
    ///   - base: makes the exchanges.
    ///   - policy: when to repeat, and after how long.
    ///   - clock: for the pauses, and for the time that has passed.
    ///   - random: 0 up to 1, a new value for each pause.
    ///   - mayRetry: asked for each repeat of a `createChat`, before its pause and again after it: `false` ends the
    ///     repeating, for instance when the caller is draining or the quota has run out.
    public init(
        _ base: Base, policy: RetryPolicy = RetryPolicy(), clock: any Clock<Duration> = ContinuousClock(),
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        mayRetry: @escaping @Sendable (CreateChatRequest) -> Bool = { _ in true }
    ) {
        self.base = base
        self.policy = policy
        self.clock = clock
        self.random = random
        self.mayRetry = mayRetry
    }

    public func createChat(_ request: CreateChatRequest) async -> MarketReply<CreatedChat> {
        await repeating(by: clock) {
            await base.createChat(request)
        } mayRetry: {
            mayRetry(request)
        }
    }

    public func keyInfo(businessID: Int64) async -> MarketReply<APIKeyInfo> {
        await repeating(by: clock) { await base.keyInfo(businessID: businessID) }
    }

    public func campaigns(businessID: Int64, pageToken: String?) async -> MarketReply<CampaignPage> {
        await repeating(by: clock) { await base.campaigns(businessID: businessID, pageToken: pageToken) }
    }

    private func repeating<Value, C: Clock>(
        by clock: C, exchange: () async -> MarketReply<Value>, mayRetry: () -> Bool = { true }
    ) async -> MarketReply<Value> where C.Duration == Duration {
        let start = clock.now
        var reply = await exchange()
        while !Task.isCancelled,
            let pause = policy.pause(
                after: reply, tries: reply.tries, elapsed: start.duration(to: clock.now), random: random()),
            mayRetry()
        {
            do {
                try await clock.sleep(for: pause)
            } catch {
                return reply
            }
            // Much may have happened in the pause.
            guard mayRetry() else { return reply }
            let (triesBefore, lostBefore) = (reply.tries, reply.lostTries)
            reply = await exchange()
            reply.tries += triesBefore
            reply.lostTries += lostBefore
        }
        return reply
    }
}
