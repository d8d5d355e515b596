/// What `market_chat.business` remembers of a business beyond the life of its owner.
public struct BusinessRecord: Sendable, Hashable {
    /// The cabinet.
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
