/// An order or a return.
public struct ChatContext: Sendable, Equatable {
    /// Whether it is an order or a return.
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
