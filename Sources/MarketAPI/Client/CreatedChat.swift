/// The chat of a context.
public struct CreatedChat: Sendable, Equatable {
    /// int64, 1 or more: checked.
    public var chatID: Int64

    public init(chatID: Int64) {
        self.chatID = chatID
    }
}
