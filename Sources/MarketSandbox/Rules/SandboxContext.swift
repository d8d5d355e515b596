/// What a chat is about: a `ChatContextDTO` of one business.
public struct SandboxContext: Sendable, Hashable, Codable {
    public var businessID: Int64
    public var kind: Kind
    public var id: Int64

    /// `ChatContextIdentifiableType`.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        case order = "ORDER"
        case `return` = "RETURN"
    }

    public init(businessID: Int64, kind: Kind, id: Int64) {
        self.businessID = businessID
        self.kind = kind
        self.id = id
    }
}
