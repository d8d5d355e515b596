/// What the Market does not know.
public struct MissingContexts: Sendable, Equatable {
    /// By the id of the order or return, in any business.
    public var ids: [Int64: MissingRule] = [:]
    /// Of all other contexts, the share that never appears; 0 to 1.
    public var neverShare = 0.0
    /// Of all other contexts, the share that appears late; 0 to 1.
    public var lateShare = 0.0
    /// When those appear.
    public var lateRule = MissingRule.untilAsked(3)

    public init() {}
}

/// When a missing order appears.
public enum MissingRule: Sendable, Equatable {
    case never
    /// This many lookups find nothing; 1 or more.
    case untilAsked(Int)
    /// Nothing is found before so long after the first lookup.
    case untilElapsed(Duration)
}
