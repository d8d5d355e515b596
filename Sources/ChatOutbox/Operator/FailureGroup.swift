import LibPQ

/// Rows of the last 24 hours that failed in the same way and have no chat yet.
public struct FailureGroup: Sendable, Equatable {
    /// The cabinet.
    public var businessID: Int64
    /// 100 to 599; `nil`: no answer came, or it was the seller's database that refused.
    public var httpStatus: Int?
    /// The Market's code, or one of ours such as `TIMEOUT`; an SQLSTATE where the database refused.
    public var code: String?
    /// `market_chat.attempt.verdict` of the last exchange.
    public var verdict: String
    /// So many rows, 1 or more.
    public var rows: Int
    /// Of them, those that are rejected for good.
    public var rejected: Int
    /// The one that failed last, with what was said of it.
    public var rowID: Int64
    /// Of the newest, as the Market or the database said it: text from outside.
    public var message: String?
    /// Of the newest; what the vendor's support asks for.
    public var traceID: String?
    /// Since the newest.
    public var age: Duration

    public init(
        businessID: Int64, httpStatus: Int?, code: String?, verdict: String, rows: Int, rejected: Int, rowID: Int64,
        message: String?, traceID: String?, age: Duration
    ) {
        self.businessID = businessID
        self.httpStatus = httpStatus
        self.code = code
        self.verdict = verdict
        self.rows = rows
        self.rejected = rejected
        self.rowID = rowID
        self.message = message
        self.traceID = traceID
        self.age = age
    }

    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            businessID: try row.decode("business_id"), httpStatus: try row.decode("http_status"),
            code: try row.decode("code"), verdict: try row.decode("verdict"), rows: try row.decode("rows"),
            rejected: try row.decode("rejected"), rowID: try row.decode("outbox_id"),
            message: try row.decode("message"), traceID: try row.decode("trace_id"),
            age: .microseconds(try row.decode("age_microseconds", as: Int64.self)))
    }
}
