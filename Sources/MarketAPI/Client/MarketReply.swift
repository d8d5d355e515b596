/// One exchange: the answer and what came with it.
public struct MarketReply<Value: Sendable>: Sendable {
    /// The value, or why there is none.
    public var answer: MarketAnswer<Value>
    /// The quota headers, where they came.
    public var quota: QuotaHeaders?
    /// `Retry-After` as a time from the answer on; undocumented, honoured if it comes. 0 to 24 hours.
    public var retryAfter: Duration?
    /// The `traceparent` header: what the vendor's support asks for. At most 128 characters.
    public var traceID: String?
    /// How many exchanges it took, 1 or more: ``RetryingMarketClient`` repeats.
    public var tries: Int
    /// Of ``tries``, those whose answer was lost: the Market may have counted them.
    public var lostTries: Int

    public init(
        answer: MarketAnswer<Value>, quota: QuotaHeaders? = nil, retryAfter: Duration? = nil, traceID: String? = nil,
        tries: Int = 1
    ) {
        self.answer = answer
        self.quota = quota
        self.retryAfter = retryAfter
        self.traceID = traceID
        self.tries = tries
        lostTries =
            switch answer {
            case .failed(.timedOut), .failed(.connectionLost), .failed(.bodyTooLarge): tries
            case .ok, .malformed, .httpError, .failed: 0
            }
    }
}

extension MarketReply: Equatable where Value: Equatable {}
