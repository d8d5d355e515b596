import LibPQ

/// All of them together.
public struct OutboxOverview: Sendable, Equatable {
    public var businesses: [BusinessOverview]
    public var failures: [FailureGroup]
    /// Hours in which something happened, the present one first.
    public var hours: [HourCount]
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
