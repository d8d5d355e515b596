import LibPQ

/// All of them together.
public struct OutboxOverview: Sendable, Equatable {
    /// Those that were asked for and those with a record, an owner or rows; by id.
    public var businesses: [BusinessOverview]
    /// Of the rows of the last 24 hours that have no chat, the most rows first.
    public var failures: [FailureGroup]
    /// Hours in which something happened, the present one first.
    public var hours: [HourCount]
    /// The newest first.
    public var recentChats: [RecentChat]

    public init(
        businesses: [BusinessOverview], failures: [FailureGroup] = [], hours: [HourCount] = [],
        recentChats: [RecentChat] = []
    ) {
        self.businesses = businesses
        self.failures = failures
        self.hours = hours
        self.recentChats = recentChats
    }
}
