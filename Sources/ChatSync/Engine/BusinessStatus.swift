public import ChatOutbox

/// One business at one moment.
public struct BusinessStatus: Sendable, Equatable {
    /// The cabinet.
    public var businessID: Int64
    /// Whether this instance is the one that sends for it.
    public var isOwned = false
    /// `business.paused`.
    public var isPaused = false
    /// Whether producers have to notify, because nothing is due.
    public var isAsleep = false
    /// Why nothing is sent, or only one request at a time, and for how long.
    public var hold: Hold?
    /// Requests sent and not yet answered.
    public var inFlight = 0
    /// Answers whose results are not written yet.
    public var unwritten = 0
    /// Rows due at the last poll, counted up to a bound.
    public var due = 0
    /// Whether there are more than `due` says.
    public var dueIsAtLeast = false
    /// How long the oldest of them had been due.
    public var oldestDueFor: Duration?
    /// When the first row that is not due yet will be; `nil`: none is known.
    public var nextDueIn: Duration?
    /// Of `ORDER` and `RETURN`, those for which one request at a time asks whether the Market is well again.
    public var openCircuits: [String] = []
    /// What is known of the quota's present window.
    public var quota: BusinessRecord.Quota?
    /// Since this process started.
    public var counters = Counters()

    /// Why nothing is sent, or only one request at a time.
    public struct Hold: Sendable, Equatable {
        /// What it waits for.
        public var kind: ChatSync.Hold.Kind
        /// Begins with the kind; details may follow.
        public var reason: String
        /// From now; not negative. Zero: one row is being tried, or will be as soon as one is due.
        public var endsIn: Duration

        public init(kind: ChatSync.Hold.Kind, reason: String, endsIn: Duration) {
            self.kind = kind
            self.reason = reason
            self.endsIn = endsIn
        }
    }

    /// Since the engine was made.
    public struct Counters: Sendable, Hashable {
        /// Exchanges with the Market, repeats included.
        public var requests = 0
        /// Rows that got their chat ID.
        public var created = 0
        /// Rows that the Market refused for good.
        public var rejected = 0
        /// Rows put off.
        public var backoffs = 0
        /// Rows that stay due though they were sent.
        public var deferred = 0
        /// Rows whose result the database refused, by a trigger for example.
        public var refusals = 0
        /// 420 for the quota.
        public var quotaRefusals = 0
        /// 420 for too many parallel requests.
        public var parallelRefusals = 0

        public init() {}
    }

    public init(businessID: Int64) {
        self.businessID = businessID
    }
}
