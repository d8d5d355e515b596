/// What the fallback poll saw of one business.
public struct BusinessPoll: Sendable, Hashable {
    /// The cabinet.
    public var businessID: Int64
    /// Rows that are due now, counted up to a bound.
    public var due: Int
    /// Whether there are more than `due` says.
    public var dueIsAtLeast: Bool
    /// How long the oldest of them has been due.
    public var oldestDueFor: Duration?
    /// By an operator.
    public var isPaused: Bool
    /// Whether the other session whose sleep covered this business (``Sleep/covered``) sleeps no more.
    public var coverHasEnded: Bool

    public init(
        businessID: Int64, due: Int, dueIsAtLeast: Bool = false, oldestDueFor: Duration? = nil, isPaused: Bool = false,
        coverHasEnded: Bool = false
    ) {
        self.businessID = businessID
        self.due = due
        self.dueIsAtLeast = dueIsAtLeast
        self.oldestDueFor = oldestDueFor
        self.isPaused = isPaused
        self.coverHasEnded = coverHasEnded
    }
}
