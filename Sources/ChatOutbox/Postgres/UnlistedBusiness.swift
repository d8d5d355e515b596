/// A business that has rows, and that nobody is told to serve.
public struct UnlistedBusiness: Sendable, Hashable {
    /// The cabinet.
    public var businessID: Int64
    /// Pending ones, counted up to a bound.
    public var rows: Int

    public init(businessID: Int64, rows: Int) {
        self.businessID = businessID
        self.rows = rows
    }
}
