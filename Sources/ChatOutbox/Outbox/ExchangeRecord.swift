/// One exchange that gave no chat: a row of `market_chat.attempt`.
public struct ExchangeRecord: Sendable, Hashable {
    /// The HTTP status; `nil` where no answer came.
    public var httpStatus: Int?
    /// The Market's error code, or a short word of ours such as `TIMEOUT`.
    public var code: String?
    /// The Market's own text, or ours.
    public var message: String?
    /// The `traceparent` header: what the vendor's support asks for.
    public var traceID: String?

    public init(httpStatus: Int? = nil, code: String? = nil, message: String? = nil, traceID: String? = nil) {
        self.httpStatus = httpStatus
        self.code = code
        self.message = message
        self.traceID = traceID
    }
}
