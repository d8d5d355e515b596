/// What one look at a business found.
public struct DueRows: Sendable, Hashable {
    /// Never tried, in the order in which they are to be sent.
    public var fresh: [DueRow]
    /// Tried before (`attempts` > 0), in the order in which they are to be sent.
    public var repeats: [DueRow]
    /// When the earliest row that is pending and not yet due will be due; `nil` where there is none. Only a read from the
    /// beginning looks for it.
    public var nextDueIn: Duration?
    /// `business.paused`.
    public var isPaused: Bool

    public init(fresh: [DueRow], repeats: [DueRow] = [], nextDueIn: Duration? = nil, isPaused: Bool = false) {
        self.fresh = fresh
        self.repeats = repeats
        self.nextDueIn = nextDueIn
        self.isPaused = isPaused
    }
}
