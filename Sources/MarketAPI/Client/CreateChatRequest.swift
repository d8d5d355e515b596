/// What a chat is to be created about.
public struct CreateChatRequest: Sendable, Equatable {
    /// The cabinet: int64, 1 or more.
    public var businessID: Int64
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

/// An order or a return.
public struct ChatContext: Sendable, Equatable {
    public var kind: Kind
    /// int64, 1 or more.
    public var id: Int64

    /// `ChatContextIdentifiableType` of the specification.
    public enum Kind: String, Sendable, CaseIterable {
        case order = "ORDER"
        /// FBY, FBS and Express only; the Market refuses returns of DBS.
        case `return` = "RETURN"
    }

    public init(kind: Kind, id: Int64) {
        self.kind = kind
        self.id = id
    }
}

/// The chat of a context.
public struct CreatedChat: Sendable, Equatable {
    /// int64, 1 or more: checked.
    public var chatID: Int64

    public init(chatID: Int64) {
        self.chatID = chatID
    }
}
