/// A row of `market_chat.outbox` that is due.
public struct DueRow: Sendable, Hashable {
    /// `outbox.id`.
    public var id: Int64
    /// `outbox.context_type`: `ORDER` or `RETURN`.
    public var contextType: String
    /// `outbox.context_id`: the Market's number of the order or the return, 1 or more.
    public var contextID: Int64
    /// `outbox.priority`: higher goes first.
    public var priority: Int16
    /// `outbox.attempts`: how many exchanges failed so far.
    public var attempts: Int
    /// How long ago the Market first answered 404 for it, by the database's clock; `nil` where it never did.
    public var notFoundFor: Duration?
    /// How often the Market answered 404 for it.
    public var notFoundCount: Int
    /// `outbox.due_at` in microseconds since 2000-01-01 UTC, for the ``Watermark``.
    public var dueAtMicroseconds: Int64

    public init(
        id: Int64, contextType: String, contextID: Int64, priority: Int16 = 0, attempts: Int = 0,
        notFoundFor: Duration? = nil, notFoundCount: Int = 0, dueAtMicroseconds: Int64 = 0
    ) {
        self.id = id
        self.contextType = contextType
        self.contextID = contextID
        self.priority = priority
        self.attempts = attempts
        self.notFoundFor = notFoundFor
        self.notFoundCount = notFoundCount
        self.dueAtMicroseconds = dueAtMicroseconds
    }
}

/// Which due rows a read asks for.
public struct DueRead: Sendable, Hashable {
    /// At most so many rows that were never tried, 1 or more.
    public var limit: Int
    /// At most so many rows that were tried before (`attempts` > 0), of those near the front; 0 or more. With a
    /// ``watermark`` none are read.
    public var repeatLimit: Int
    /// Only rows of this type, `ORDER` or `RETURN`; `nil`: of both.
    public var contextType: String?
    /// Of a read shortly before; spares walking over the dead index entries of settled rows. `nil` reads from the
    /// beginning. Rows that commit late may lie before a watermark, so read without it every few seconds.
    public var watermark: Watermark?

    public init(limit: Int, repeatLimit: Int, contextType: String? = nil, watermark: Watermark? = nil) {
        self.limit = limit
        self.repeatLimit = repeatLimit
        self.contextType = contextType
        self.watermark = watermark
    }
}

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

/// How far a read of due rows came: within `priority`, all before `dueAtMicroseconds` was seen.
public struct Watermark: Sendable, Hashable {
    public var priority: Int16
    public var dueAtMicroseconds: Int64

    public init(priority: Int16, dueAtMicroseconds: Int64) {
        self.priority = priority
        self.dueAtMicroseconds = dueAtMicroseconds
    }
}

/// What `market_chat.business` remembers of a business beyond the life of its owner.
public struct BusinessRecord: Sendable, Hashable {
    public var businessID: Int64
    /// `paused`: an operator's lever. Read by the engine, never written by it.
    public var isPaused: Bool
    /// `hold_reason` and, as a time from now, `held_until`.
    public var hold: Hold?
    /// What the quota headers last said.
    public var quota: Quota?
    /// How long ago the record was written, by the database's clock; `nil` for one that is to be written.
    public var age: Duration?

    /// Why and how long nothing is sent.
    public struct Hold: Sendable, Hashable {
        /// A short word and, where there is one, the Market's own text.
        public var reason: String
        /// From now, by the database's clock; not negative.
        public var endsIn: Duration

        public init(reason: String, endsIn: Duration) {
            self.reason = reason
            self.endsIn = endsIn
        }
    }

    /// One window of the cabinet's quota.
    public struct Quota: Sendable, Hashable {
        /// Requests in a window.
        public var limit: Int
        /// Requests left in this window.
        public var remaining: Int
        /// When the window ends, from now; not negative.
        public var resetsIn: Duration

        public init(limit: Int, remaining: Int, resetsIn: Duration) {
            self.limit = limit
            self.remaining = remaining
            self.resetsIn = resetsIn
        }
    }

    public init(
        businessID: Int64, isPaused: Bool = false, hold: Hold? = nil, quota: Quota? = nil, age: Duration? = nil
    ) {
        self.businessID = businessID
        self.isPaused = isPaused
        self.hold = hold
        self.quota = quota
        self.age = age
    }
}

/// What the fallback poll saw of one business.
public struct BusinessPoll: Sendable, Hashable {
    public var businessID: Int64
    /// Rows that are due now, counted up to a bound.
    public var due: Int
    /// Whether there are more than `due` says.
    public var dueIsAtLeast: Bool
    /// How long the oldest of them has been due.
    public var oldestDueFor: Duration?
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

/// What is to become of a row after an exchange.
public struct RowResult: Sendable, Hashable {
    public var rowID: Int64
    /// `outbox.business_id`.
    public var businessID: Int64
    /// ``DueRow/attempts`` as it was read. A backoff is guarded by it, so that writing one twice (the answer to the first
    /// commit was lost with its session) burns one attempt.
    public var attempts: Int
    public var change: Change
    /// The exchange, for `market_chat.attempt`; `nil` for a success, which leaves no attempt behind.
    public var exchange: ExchangeRecord?
    /// Why the database refused this result when it was last tried; `nil` where it has not.
    public var refusal: String?

    /// A row's transition. Each is guarded by `state = 'pending'`.
    public enum Change: Sendable, Hashable {
        /// Pending to created.
        case created(chatID: Int64)
        /// Pending to rejected.
        case rejected
        /// Stays pending, one attempt more, due after this time from now.
        case backoff(Duration)
        /// Stays pending and due, no attempt burned; only the exchange is recorded.
        case deferred
    }

    public init(
        rowID: Int64, businessID: Int64, attempts: Int, change: Change, exchange: ExchangeRecord? = nil,
        refusal: String? = nil
    ) {
        self.rowID = rowID
        self.businessID = businessID
        self.attempts = attempts
        self.change = change
        self.exchange = exchange
        self.refusal = refusal
    }
}

/// One exchange that gave no chat: a row of `market_chat.attempt`.
public struct ExchangeRecord: Sendable, Hashable {
    /// The HTTP status; `nil` where no answer came.
    public var httpStatus: Int?
    /// The Market's error code, or a short word of ours such as `TIMEOUT`.
    public var code: String?
    /// The Market's own text, or ours.
    public var message: String?
    /// The `traceparent` header: what the vendor's support asks for.
    public var traceID: String?

    public init(httpStatus: Int? = nil, code: String? = nil, message: String? = nil, traceID: String? = nil) {
        self.httpStatus = httpStatus
        self.code = code
        self.message = message
        self.traceID = traceID
    }
}

/// What became of a ``RowResult``.
public enum RowOutcome: Sendable, Hashable {
    /// Written.
    case written
    /// The row is not pending any more, or is gone: somebody else was faster. Nothing was changed.
    case notPending
    /// Not written, for a reason of this row or its business alone, such as a user's trigger or a lock: keep the result
    /// and try again. The text is the database's own.
    case refused(error: String)
}
