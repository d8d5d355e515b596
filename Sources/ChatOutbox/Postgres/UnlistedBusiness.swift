import LibPQ

/// A business that has rows, and that this instance is not told to serve.
public struct UnlistedBusiness: Sendable, Hashable {
    public var businessID: Int64
    /// Pending ones, counted up to a bound.
    public var rows: Int
    /// Whether another instance serves it.
    public var hasOwner: Bool

    public init(businessID: Int64, rows: Int, hasOwner: Bool) {
        self.businessID = businessID
        self.rows = rows
        self.hasOwner = hasOwner
    }
}
