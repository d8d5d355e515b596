/// A row of `market_chat.outbox` that is due.
public struct DueRow: Sendable, Hashable {
    /// `outbox.id`.
    public var id: Int64
    /// `outbox.context_type`: `ORDER` or `RETURN`.
    public var contextType: String
    /// `outbox.context_id`: the Market's number of the order or the return, 1 or more.
    public var contextID: Int64
    /// `outbox.priority`: higher goes first.
    public var priority: Int16
    /// `outbox.attempts`: how many exchanges failed so far.
    public var attempts: Int
    /// How long ago the Market first answered 404 for it, by the database's clock; `nil` where it never did.
    public var notFoundFor: Duration?
    /// How often the Market answered a 404 that was about it, since a person last had it tried anew; 0 or more.
    public var notFoundCount: Int
    /// `outbox.due_at` in microseconds since 2000-01-01 UTC, for the ``Watermark``.
    public var dueAtMicroseconds: Int64

    public init(
        id: Int64, contextType: String, contextID: Int64, priority: Int16 = 0, attempts: Int = 0,
        notFoundFor: Duration? = nil, notFoundCount: Int = 0, dueAtMicroseconds: Int64 = 0
    ) {
        self.id = id
        self.contextType = contextType
        self.contextID = contextID
        self.priority = priority
        self.attempts = attempts
        self.notFoundFor = notFoundFor
        self.notFoundCount = notFoundCount
        self.dueAtMicroseconds = dueAtMicroseconds
    }
}
