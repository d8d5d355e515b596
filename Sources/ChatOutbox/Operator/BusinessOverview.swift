import LibPQ

/// What the database tells of one business: who serves it, what stands in the way, what waits, and how the day went.
public struct BusinessOverview: Sendable, Equatable {
    public var businessID: Int64
    /// `nil`: nobody serves it.
    public var owner: Owner?
    public var isPaused = false
    /// As its owner last told.
    public var hold: BusinessRecord.Hold?
    /// As its owner last told.
    public var quota: BusinessRecord.Quota?
    /// Since the owner last told; `nil`: never.
    public var recordAge: Duration?
    /// Rows that could be sent now, and that are scheduled or put off, both together counted up to ``countLimit``.
    public var due = 0
    public var later = 0
    /// How long the oldest of those that are due has been due.
    public var oldestDueFor: Duration?
    /// When the first of those that are not due will be.
    public var nextDueIn: Duration?
    /// Of the rows that were inserted in the last 24 hours.
    public var createdToday = 0
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
        if let limit = try row.decode("quota_limit", as: Int?.self),
            let remaining = try row.decode("quota_remaining", as: Int?.self)
        {
            quota = BusinessRecord.Quota(
                limit: limit, remaining: remaining, resetsIn: try row.decodeMicroseconds("quota_microseconds") ?? .zero)
        }
        recordAge = try row.decodeMicroseconds("age_microseconds")
        due = try row.decode("due")
        later = try row.decode("later")
        oldestDueFor = try row.decodeMicroseconds("oldest_microseconds")
        nextDueIn = try row.decodeMicroseconds("next_microseconds")
        createdToday = try row.decode("created")
        rejectedToday = try row.decode("rejected")
    }
}

/// Rows of the last 24 hours that failed in the same way and have no chat yet.
public struct FailureGroup: Sendable, Equatable {
    public var businessID: Int64
    public var httpStatus: Int?
    public var code: String?
    /// `market_chat.attempt.verdict` of the last exchange.
    public var verdict: String
    public var rows: Int
    /// Of them, those that are rejected for good.
    public var rejected: Int
    /// The one that failed last, with what was said of it.
    public var rowID: Int64
    public var message: String?
    public var traceID: String?
    public var age: Duration

    public init(
        businessID: Int64, httpStatus: Int?, code: String?, verdict: String, rows: Int, rejected: Int, rowID: Int64,
        message: String?, traceID: String?, age: Duration
    ) {
        self.businessID = businessID
        self.httpStatus = httpStatus
        self.code = code
        self.verdict = verdict
        self.rows = rows
        self.rejected = rejected
        self.rowID = rowID
        self.message = message
        self.traceID = traceID
        self.age = age
    }

    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            businessID: try row.decode("business_id"), httpStatus: try row.decode("http_status"),
            code: try row.decode("code"), verdict: try row.decode("verdict"), rows: try row.decode("rows"),
            rejected: try row.decode("rejected"), rowID: try row.decode("outbox_id"),
            message: try row.decode("message"), traceID: try row.decode("trace_id"),
            age: .microseconds(try row.decode("age_microseconds", as: Int64.self)))
    }
}

/// What became of rows in one hour.
public struct HourCount: Sendable, Equatable {
    /// 0: the hour that ends now; up to 23.
    public var hoursAgo: Int
    public var created: Int
    public var putOff: Int
    public var rejected: Int

    public init(hoursAgo: Int, created: Int = 0, putOff: Int = 0, rejected: Int = 0) {
        self.hoursAgo = hoursAgo
        self.created = created
        self.putOff = putOff
        self.rejected = rejected
    }
}

/// A chat that was created lately.
public struct RecentChat: Sendable, Equatable {
    public var rowID: Int64
    public var businessID: Int64
    public var contextType: String
    public var contextID: Int64
    public var chatID: Int64
    /// Since it was written.
    public var age: Duration

    public init(
        rowID: Int64, businessID: Int64, contextType: String, contextID: Int64, chatID: Int64, age: Duration
    ) {
        self.rowID = rowID
        self.businessID = businessID
        self.contextType = contextType
        self.contextID = contextID
        self.chatID = chatID
        self.age = age
    }
}

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

extension OperatorSession {
    /// Groups of failures that are told at most, and chats.
    private static let failureLimit: Int64 = 20
    private static let chatLimit: Int64 = 10

    /// What there is to tell of all businesses: those that are asked for come even where nothing is known of them.
    ///
    /// - Throws: ``OperatorError``.
    public func overview(of businessIDs: [Int64]) async throws(OperatorError) -> OutboxOverview {
        let privileges = "SELECT ON market_chat.outbox, market_chat.attempt, market_chat.business"
        let start = try await run(PostgresStatement(SQLText.operatorDayStart), privileges: privileges)
        let firstID = try decoding { () throws(PostgresError) in try start[0].decode("first_id", as: Int64.self) }
        let answers = try await run(
            [
                PostgresStatement(
                    SQLText.operatorBusinesses,
                    [.int64Array(businessIDs), .int64(Int64(BusinessOverview.countLimit)), .int64(firstID)]),
                PostgresStatement(
                    SQLText.operatorFailures, [.int64(firstID), .int64(Self.failureLimit), .int64(nil)]),
                PostgresStatement(SQLText.operatorHours, [.int64(firstID)]),
                PostgresStatement(SQLText.operatorRecentChats, [.int64(Self.chatLimit)]),
            ], privileges: privileges)
        return try decoding { () throws(PostgresError) in
            OutboxOverview(
                businesses: try answers[0].map { row throws(PostgresError) in try BusinessOverview(row) },
                failures: try answers[1].map { row throws(PostgresError) in try FailureGroup(row) },
                hours: try answers[2].map { row throws(PostgresError) in
                    HourCount(
                        hoursAgo: try row.decode("hours_ago"), created: try row.decode("created"),
                        putOff: try row.decode("put_off"), rejected: try row.decode("rejected"))
                },
                recentChats: try answers[3].map { row throws(PostgresError) in
                    RecentChat(
                        rowID: try row.decode("id"), businessID: try row.decode("business_id"),
                        contextType: try row.decode("context_type"), contextID: try row.decode("context_id"),
                        chatID: try row.decode("chat_id"),
                        age: .microseconds(try row.decode("age_microseconds", as: Int64.self)))
                })
        }
    }
}
