import LibPQ

/// What became of rows in one hour.
public struct HourCount: Sendable, Equatable {
    /// 0: the hour that ends now; up to 23.
    public var hoursAgo: Int
    /// Rows that got their chat in that hour.
    public var created: Int
    /// Exchanges in that hour after which a row was put off.
    public var putOff: Int
    /// Rows that were rejected in that hour.
    public var rejected: Int

    public init(hoursAgo: Int, created: Int = 0, putOff: Int = 0, rejected: Int = 0) {
        self.hoursAgo = hoursAgo
        self.created = created
        self.putOff = putOff
        self.rejected = rejected
    }
}
