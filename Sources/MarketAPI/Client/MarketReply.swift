/// One exchange: the answer and what came with it.
public struct MarketReply<Value: Sendable>: Sendable {
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

/// What the Market said.
public enum MarketAnswer<Value: Sendable>: Sendable {
    /// A 2xx that holds what was asked for.
    case ok(Value)
    /// A 2xx that does not: malformed, `status` ERROR, no or an impossible value. `reason` is short and holds no secret.
    case malformed(status: Int, reason: String)
    /// Any other status, redirects included.
    case httpError(status: Int, problem: MarketProblem)
    /// No answer, or not all of it.
    case failed(TransportFailure)
}

extension MarketReply: Equatable where Value: Equatable {}
extension MarketAnswer: Equatable where Value: Equatable {}

/// An error body, in whichever shape it came.
public struct MarketProblem: Sendable, Equatable {
    /// The first error's code, or the older shape's number; `nil` where there is none. At most 200 characters.
    public var code: String?
    /// The first error's message; where the body is not an error body, its first characters. At most 1,000 characters.
    public var message: String?

    public init(code: String? = nil, message: String? = nil) {
        self.code = code
        self.message = message
    }
}

/// Why no whole answer came.
public enum TransportFailure: Sendable, Equatable {
    /// The deadline passed. The Market may have done what was asked.
    case timedOut
    /// Name resolution failed.
    case nameNotResolved(String)
    /// No connection came about: the Market has not seen the request.
    case notConnected(String)
    /// TLS failed, an untrusted certificate included: the Market has not seen the request.
    case insecure(String)
    /// The connection broke. The Market may have done what was asked.
    case connectionLost(String)
    /// The body is longer than 512 KB.
    case bodyTooLarge
    /// There is no API key for the business.
    case noCredentials(String)
    /// The calling task was cancelled.
    case cancelled
}

/// `X-RateLimit-Resource-*`, as they came with a response.
public struct QuotaHeaders: Sendable, Equatable {
    /// Requests in a window; 0 or more.
    public var limit: Int?
    /// Requests left in this window, of all integrations of the cabinet together; 0 or more.
    public var remaining: Int?
    /// The time from the response's own `Date` to `X-RateLimit-Resource-Until`, so that no clock of ours matters. Both
    /// have whole seconds, so it is up to one second too long. 0 to 24 hours; `nil` where either cannot be read.
    public var resetsIn: Duration?
    /// `X-RateLimit-Resource-Until` in seconds since 1970: tells one window from another.
    public var until: Int64?

    public init(limit: Int? = nil, remaining: Int? = nil, resetsIn: Duration? = nil, until: Int64? = nil) {
        self.limit = limit
        self.remaining = remaining
        self.resetsIn = resetsIn
        self.until = until
    }
}
