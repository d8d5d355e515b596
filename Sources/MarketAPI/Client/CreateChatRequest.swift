/// What a chat is to be created about.
public struct CreateChatRequest: Sendable, Equatable {
    /// The cabinet: int64, 1 or more.
    public var businessID: Int64
    /// What the conversation is about.
    public var subject: Subject

    /// The two shapes of the request's body.
    public enum Subject: Sendable, Equatable {
        /// `{"context":{"type":…,"id":…}}`.
        case context(ChatContext)
        /// `{"orderId":…}`: the older shape, which the vendor switched off on 2026-10-19. For libraries that talk to an
        /// older host; the daemon never sends it.
        case legacyOrder(id: Int64)
    }

    public init(businessID: Int64, subject: Subject) {
        self.businessID = businessID
        self.subject = subject
    }
}
