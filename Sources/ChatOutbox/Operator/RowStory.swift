import LibPQ

/// One row, and all that is known of how it came to be as it is.
public struct RowStory: Sendable, Equatable {
    public var id: Int64
    /// The cabinet.
    public var businessID: Int64
    /// `ORDER` or `RETURN`.
    public var contextType: String
    /// The Market's number of the order or the return.
    public var contextID: Int64
    /// Higher goes first; -32768 to 32767.
    public var priority: Int
    /// `pending`, `created`, `rejected`, or a word of a newer version.
    public var state: String
    /// Of a row that is created.
    public var chatID: Int64?
    /// Failed ones since the row was inserted or tried again.
    public var attempts: Int
    /// What the last failure said: text from outside.
    public var lastError: String?
    /// Moments as `2026-11-27T09:00:00.000Z`; or `infinity`, `-infinity`.
    public var createdAt: String
    /// As `createdAt`.
    public var dueAt: String
    /// As `createdAt`; of a row that is created or rejected.
    public var settledAt: String?
    /// When this was true, by the database's clock.
    public var lookedAt: String
    /// Since the Market first did not find the order or return.
    public var notFoundFor: Duration?
    /// `market_chat.waiting`, of a row that is pending.
    public var waiting: Waiting?
    /// Exchanges that gave no chat, the oldest first; the last 50 are kept.
    public var exchanges: [Exchange] = []

    /// Why a pending row waits. Source: the view `market_chat.waiting`.
    public struct Waiting: Sendable, Equatable {
        /// The first words are the view's own: `due`, `scheduled`, `backoff`, `held: …`, `paused`, `no owner`.
        public var reason: String
        /// From now; negative where the time is over. `nil`: nobody knows.
        public var nextTryIn: Duration?
        /// Due rows of the business that go first, counted up to ``RowStory/countLimit``.
        public var rowsBefore = 0
        /// Of the business, as its owner last told.
        public var quota: BusinessRecord.Quota?

        public init(
            reason: String, nextTryIn: Duration?, rowsBefore: Int = 0, quota: BusinessRecord.Quota? = nil
        ) {
            self.reason = reason
            self.nextTryIn = nextTryIn
            self.rowsBefore = rowsBefore
            self.quota = quota
        }
    }

    /// One exchange that gave no chat. Source: `market_chat.attempt`.
    public struct Exchange: Sendable, Equatable {
        /// A moment, as `createdAt`.
        public var at: String
        /// 100 to 599; `nil`: no answer came.
        public var httpStatus: Int?
        /// The Market's code, one of ours such as `TIMEOUT`, or an SQLSTATE.
        public var code: String?
        /// As it was said: text from outside.
        public var message: String?
        /// What the vendor's support asks for.
        public var traceID: String?
        /// `rejected`, `backoff`, `deferred` or `refused`.
        public var verdict: String

        public init(
            at: String, httpStatus: Int?, code: String?, message: String?, traceID: String?, verdict: String
        ) {
            self.at = at
            self.httpStatus = httpStatus
            self.code = code
            self.message = message
            self.traceID = traceID
            self.verdict = verdict
        }
    }

    /// Rows that go before one are counted up to this.
    public static let countLimit = 10_000

    public init(
        id: Int64, businessID: Int64, contextType: String, contextID: Int64, priority: Int = 0, state: String,
        chatID: Int64? = nil, attempts: Int = 0, lastError: String? = nil, createdAt: String, dueAt: String,
        settledAt: String? = nil, lookedAt: String
    ) {
        self.id = id
        self.businessID = businessID
        self.contextType = contextType
        self.contextID = contextID
        self.priority = priority
        self.state = state
        self.chatID = chatID
        self.attempts = attempts
        self.lastError = lastError
        self.createdAt = createdAt
        self.dueAt = dueAt
        self.settledAt = settledAt
        self.lookedAt = lookedAt
    }

    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            id: try row.decode("id"), businessID: try row.decode("business_id"),
            contextType: try row.decode("context_type"), contextID: try row.decode("context_id"),
            priority: Int(try row.decode("priority", as: Int16.self)), state: try row.decode("state"),
            chatID: try row.decode("chat_id"), attempts: try row.decode("attempts"),
            lastError: try row.decode("last_error"), createdAt: try row.decode("created_at"),
            dueAt: try row.decode("due_at"), settledAt: try row.decode("settled_at"),
            lookedAt: try row.decode("looked_at"))
        notFoundFor = try row.decodeMicroseconds("not_found_microseconds")
        if let reason = try row.decode("reason", as: String?.self) {
            waiting = Waiting(reason: reason, nextTryIn: try row.decodeMicroseconds("next_microseconds"))
        }
    }
}

extension OperatorSession {
    /// How a row is named by a person.
    public enum RowName: Sendable, Equatable, CustomStringConvertible {
        case id(Int64)
        case context(businessID: Int64, type: String, id: Int64)

        public var description: String {
            switch self {
            case .id(let id): "row \(id)"
            case .context(let businessID, let type, let id): "\(type) \(id) of business \(businessID)"
            }
        }
    }

    /// - Returns: `nil` where there is no such row.
    /// - Throws: ``OperatorError``.
    public func story(of name: RowName) async throws(OperatorError) -> RowStory? {
        let privileges = "SELECT ON market_chat.outbox, market_chat.attempt, market_chat.waiting, market_chat.business"
        let parameters: [PostgresValue] =
            switch name {
            case .id(let id): [.int64(id), .int64(nil), .text(nil), .int64(nil)]
            case .context(let businessID, let type, let id): [.int64(nil), .int64(businessID), .text(type), .int64(id)]
            }
        let rows = try await run(PostgresStatement(SQLText.operatorRow, parameters), privileges: privileges)
        guard let row = rows.first else { return nil }
        var story = try decoding { () throws(PostgresError) in try RowStory(row) }
        let answers = try await run(
            [
                PostgresStatement(SQLText.operatorRowAttempts, [.int64(story.id)]),
                PostgresStatement(
                    SQLText.operatorRowsBefore,
                    [
                        .int64(story.businessID), .int16(Int16(clamping: story.priority)), .int64(story.id),
                        .int64(Int64(RowStory.countLimit)),
                    ]),
                PostgresStatement(SQLText.operatorHold, [.int64(story.businessID)]),
            ], privileges: privileges)
        try decoding { () throws(PostgresError) in
            story.exchanges = try answers[0].map { row throws(PostgresError) in
                RowStory.Exchange(
                    at: try row.decode("at"), httpStatus: try row.decode("http_status"), code: try row.decode("code"),
                    message: try row.decode("message"), traceID: try row.decode("trace_id"),
                    verdict: try row.decode("verdict"))
            }
            story.waiting?.rowsBefore = try answers[1][0].decode("rows")
            story.waiting?.quota = try answers[2].first?.decodeQuota()
        }
        return story
    }

    /// Rows that may be meant where there is none of a name: of the other type, or of another known business.
    ///
    /// - Throws: ``OperatorError``.
    public func neighbours(of businessID: Int64, contextID: Int64) async throws(OperatorError) -> [(
        id: Int64, name: RowName
    )] {
        let rows = try await run(
            PostgresStatement(SQLText.operatorElsewhere, [.int64(businessID), .int64(contextID)]),
            privileges: "SELECT ON market_chat.outbox, market_chat.business")
        return try decoding { () throws(PostgresError) in
            try rows.map { row throws(PostgresError) in
                (
                    try row.decode("id"),
                    .context(
                        businessID: try row.decode("business_id"), type: try row.decode("context_type"), id: contextID)
                )
            }
        }
    }
}

extension OperatorSession {
    /// What would be sent of a business now, and what it is held for.
    ///
    /// - Parameters:
    ///   - businessID: the cabinet.
    ///   - limit: of fresh rows, and of those that were tried before.
    /// - Throws: ``OperatorError``.
    public func due(
        of businessID: Int64, limit: Int
    ) async throws(OperatorError) -> (rows: DueRows, hold: BusinessRecord.Hold?) {
        let answers = try await run(
            [
                PostgresStatement(SQLText.outlook, [.int64(businessID)]),
                PostgresStatement(
                    SQLText.dueRows,
                    [
                        .int64(businessID), .int64(Int64(limit)), .int16(nil), .timestamp(microsecondsSince2000: nil),
                        .text(nil),
                    ]),
                PostgresStatement(SQLText.dueRepeats, [.int64(businessID), .int64(Int64(limit)), .text(nil)]),
                PostgresStatement(SQLText.operatorHold, [.int64(businessID)]),
            ], privileges: "SELECT ON market_chat.outbox, market_chat.business")
        return try decoding { () throws(PostgresError) in
            (try DueRows(Array(answers[..<3])), try answers[3].first?.decodeHold())
        }
    }
}
