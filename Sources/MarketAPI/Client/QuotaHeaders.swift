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
