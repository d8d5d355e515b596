import LibPQ

/// What the database tells of one business: who serves it, what stands in the way, what waits, and how the day went.
public struct BusinessOverview: Sendable, Equatable {
    /// The cabinet: 1 or more.
    public var businessID: Int64
    /// `nil`: nobody serves it.
    public var owner: Owner?
    /// By an operator.
    public var isPaused = false
    /// As its owner last told.
    public var hold: BusinessRecord.Hold?
    /// As its owner last told.
    public var quota: BusinessRecord.Quota?
    /// Since the owner last told; `nil`: never.
    public var recordAge: Duration?
    /// Rows that could be sent now, and that are scheduled or put off, both together counted up to ``countLimit``.
    public var due = 0
    /// Pending rows that are due later, counted up to a bound.
    public var later = 0
    /// How long the oldest of those that are due has been due.
    public var oldestDueFor: Duration?
    /// When the first of those that are not due will be.
    public var nextDueIn: Duration?
    /// Of the rows that were inserted in the last 24 hours.
    public var createdToday = 0
    /// Of the same rows, those that are rejected.
    public var rejectedToday = 0

    /// Pending rows of one business that are counted at most.
    public static let countLimit = 10_000
    /// Whether there are more rows than were counted.
    public var isCapped: Bool { due + later >= Self.countLimit }

    /// The session that holds the business.
    public struct Owner: Sendable, Equatable {
        /// The process of the server.
        public var processID: Int32
        /// `market-chatd@host:pid` of an instance of this version.
        public var name: String
        /// Whether it is no market-chatd.
        public var isStranger: Bool

        public init(processID: Int32, name: String, isStranger: Bool = false) {
            self.processID = processID
            self.name = name
            self.isStranger = isStranger
        }
    }

    public init(businessID: Int64) {
        self.businessID = businessID
    }

    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(businessID: try row.decode("business_id"))
        if let processID = try row.decode("owner_pid", as: Int32?.self) {
            owner = Owner(
                processID: processID, name: try row.decode("owner_name"), isStranger: try row.decode("is_stranger"))
        }
        isPaused = try row.decode("paused")
        hold = try row.decodeHold()
        quota = try row.decodeQuota()
        recordAge = try row.decodeMicroseconds("age_microseconds")
        due = try row.decode("due")
        later = try row.decode("later")
        oldestDueFor = try row.decodeMicroseconds("oldest_microseconds")
        nextDueIn = try row.decodeMicroseconds("next_microseconds")
        createdToday = try row.decode("created")
        rejectedToday = try row.decode("rejected")
    }
}
