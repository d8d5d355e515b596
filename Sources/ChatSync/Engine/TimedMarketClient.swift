import MarketAPI

/// Measures each exchange.
struct TimedMarketClient<Base: MarketClient>: MarketClient {
    let base: Base
    let clock: EngineClock
    let timings: TimingRecorder

    func createChat(_ request: CreateChatRequest) async -> MarketReply<CreatedChat> {
        let start = clock.now
        let reply = await base.createChat(request)
        timings.add(clock.now - start, to: \.request)
        return reply
    }

    func keyInfo(businessID: Int64) async -> MarketReply<APIKeyInfo> { await base.keyInfo(businessID: businessID) }

    func campaigns(businessID: Int64, pageToken: String?) async -> MarketReply<CampaignPage> {
        await base.campaigns(businessID: businessID, pageToken: pageToken)
    }
}
