/// What is to become of a row after an exchange.
public struct RowResult: Sendable, Hashable {
    /// `outbox.id`.
    public var rowID: Int64
    /// `outbox.business_id`.
    public var businessID: Int64
    /// ``DueRow/attempts`` as it was read. A backoff is guarded by it, so that writing one twice (the answer to the first
    /// commit was lost with its session) burns one attempt.
    public var attempts: Int
    /// What becomes of the row.
    public var change: Change
    /// The exchange, for `market_chat.attempt`; `nil` for a success, which leaves no attempt behind.
    public var exchange: ExchangeRecord?
    /// Why the database refused this result when it was last tried; `nil` where it has not.
    public var refusal: String?

    /// A row's transition. Each is guarded by `state = 'pending'`.
    public enum Change: Sendable, Hashable {
        /// Pending to created.
        case created(chatID: Int64)
        /// Pending to rejected.
        case rejected
        /// Stays pending, one attempt more, due after this time from now.
        case backoff(Duration)
        /// Stays pending and due, no attempt burned; only the exchange is recorded.
        case deferred
    }

    public init(
        rowID: Int64, businessID: Int64, attempts: Int, change: Change, exchange: ExchangeRecord? = nil,
        refusal: String? = nil
    ) {
        self.rowID = rowID
        self.businessID = businessID
        self.attempts = attempts
        self.change = change
        self.exchange = exchange
        self.refusal = refusal
    }
}
