/// When an exchange is repeated, and after how long: values and pure functions.
///
/// Source: the vendor's advice to repeat 5xx and network failures with exponential back-off and jitter, and not to
/// repeat 4xx. Full jitter: a random time between nothing and the exponential bound, which spreads clients best.
public struct RetryPolicy: Sendable, Equatable {
    /// Exchanges in all; 1 does not repeat. Smaller values count as 1.
    public var maxTries: Int
    /// The bound of the first pause; it doubles with each one.
    public var baseDelay: Duration
    /// The bound that no pause exceeds. A `Retry-After` beyond it ends the repeating.
    public var maxDelay: Duration
    /// No repeat begins later than this after the first exchange began.
    public var totalLimit: Duration

    public init(
        maxTries: Int = 3, baseDelay: Duration = .milliseconds(250), maxDelay: Duration = .seconds(2),
        totalLimit: Duration = .seconds(45)
    ) {
        self.maxTries = maxTries
        self.baseDelay = baseDelay
        self.maxDelay = maxDelay
        self.totalLimit = totalLimit
    }

    /// The pause after the `tries`-th exchange.
    ///
    /// - Parameters:
    ///   - tries: 1 or more.
    ///   - random: 0 up to 1; other values are brought into that range.
    /// - Returns: 0 up to ``maxDelay``.
    public func delay(afterTry tries: Int, random: Double) -> Duration {
        var bound = max(baseDelay, .zero)
        let limit = max(maxDelay, .zero)
        for _ in 1..<max(min(tries, 64), 1) where bound < limit { bound += bound }
        // Not a number compares as neither, and becomes 0.
        let share = random > 0 ? min(random, 1) : 0
        return min(bound, limit) * share
    }

    /// Whether the same request may fare better in a moment.
    ///
    /// Redirects, and answers that came whole but cannot be used, do not change so fast; nor does a certificate that is
    /// not trusted. A 4xx is the Market's decision, and spends quota; 499 is the exception: it says that the connection
    /// was closed early.
    public static func isWorthRepeating<Value>(_ answer: MarketAnswer<Value>) -> Bool {
        switch answer {
        case .ok, .malformed:
            false
        case .httpError(let status, _):
            status == 499 || 500...599 ~= status
        case .failed(let failure):
            switch failure {
            case .timedOut, .nameNotResolved, .notConnected, .connectionLost: true
            case .insecure, .bodyTooLarge, .noCredentials, .cancelled: false
            }
        }
    }

    /// The pause before the next try; `nil` where the reply stands.
    ///
    /// - Parameters:
    ///   - reply: of the last exchange.
    ///   - tries: exchanges so far, 1 or more.
    ///   - elapsed: since the first of them began.
    ///   - random: 0 up to 1.
    func pause<Value>(
        after reply: MarketReply<Value>, tries: Int, elapsed: Duration, random: Double
    ) -> Duration? {
        guard tries < maxTries, Self.isWorthRepeating(reply.answer) else { return nil }
        let asked = reply.retryAfter ?? .zero
        guard asked <= maxDelay else { return nil }
        let pause = max(delay(afterTry: tries, random: random), asked)
        return elapsed + pause <= totalLimit ? pause : nil
    }
}
