/// What the headers of an answer say, whatever its status and body.
struct AnswerHeaders: Sendable, Equatable {
    var quota: QuotaHeaders?
    var retryAfter: Duration?
    var traceID: String?

    static let none = AnswerHeaders()

    /// Longer times are taken for a mistake of the sender and cut.
    private static let longest: Int64 = 24 * 3600

    init(quota: QuotaHeaders? = nil, retryAfter: Duration? = nil, traceID: String? = nil) {
        self.quota = quota
        self.retryAfter = retryAfter
        self.traceID = traceID
    }

    /// - Parameters:
    ///   - now: seconds since 1970 by a clock of ours: stands in for the `Date` of an answer that has none.
    ///   - safe: makes the trace ID fit for logs.
    ///   - value: the first value of the header of this name, without regard to case.
    init(now: Int64, safe: SafeText, value: (_ name: String) -> String?) {
        let answeredAt = value("Date").flatMap(HTTPDate.secondsSince1970) ?? now
        var quota = QuotaHeaders()
        quota.limit = value("X-RateLimit-Resource-Limit").flatMap(Self.count)
        quota.remaining = value("X-RateLimit-Resource-Remaining").flatMap(Self.count)
        quota.until = value("X-RateLimit-Resource-Until").flatMap(HTTPDate.secondsSince1970)
        quota.resetsIn = quota.until.map { Self.duration(from: answeredAt, to: $0) }
        self.quota = quota == QuotaHeaders() ? nil : quota
        self.retryAfter = value("Retry-After").flatMap { text in
            if let seconds = Self.count(text) { return .seconds(min(Int64(seconds), Self.longest)) }
            return HTTPDate.secondsSince1970(text).map { Self.duration(from: answeredAt, to: $0) }
        }
        self.traceID = safe.text(value("traceparent"), limit: 128)
    }

    /// 0 or more, digits only; `nil` for anything else.
    private static func count(_ text: String) -> Int? {
        let digits = text.utf8.drop { $0 == 0x20 || $0 == 0x09 }.prefix { 0x30...0x39 ~= $0 }
        guard !digits.isEmpty, text.utf8[digits.endIndex...].allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else {
            return nil
        }
        return Substring(digits).description.utf8.count <= 19 ? Int(Substring(digits)) : nil
    }

    private static func duration(from start: Int64, to end: Int64) -> Duration {
        let (difference, isTooLarge) = end.subtractingReportingOverflow(start)
        if isTooLarge { return end > start ? .seconds(longest) : .zero }
        return .seconds(min(max(difference, 0), longest))
    }
}
