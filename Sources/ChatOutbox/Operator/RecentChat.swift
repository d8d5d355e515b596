import LibPQ

/// A chat that was created lately.
public struct RecentChat: Sendable, Equatable {
    /// `outbox.id`.
    public var rowID: Int64
    /// The cabinet.
    public var businessID: Int64
    /// `ORDER` or `RETURN`.
    public var contextType: String
    /// The Market's number of the order or the return.
    public var contextID: Int64
    /// The chat: 1 or more.
    public var chatID: Int64
    /// Since it was written.
    public var age: Duration

    public init(
        rowID: Int64, businessID: Int64, contextType: String, contextID: Int64, chatID: Int64, age: Duration
    ) {
        self.rowID = rowID
        self.businessID = businessID
        self.contextType = contextType
        self.contextID = contextID
        self.chatID = chatID
        self.age = age
    }
}
