/// What the sandbox has seen so far.
public struct SandboxState: Codable, Sendable, Equatable {
    public var seed: UInt64 = 0
    /// Requests to the imitated Market; those to the sandbox's own pages do not count.
    public var requests = 0
    /// Answers by status; `0`: the connection was reset without one.
    public var statuses: [Int: Int] = [:]
    /// Faults that struck, by name, slow ones and those of ``SandboxBadRule`` among them.
    public var faults: [String: Int] = [:]
    /// Requests that followed a redirect into the trap, and how many of them brought a key along.
    public var redirectsFollowed = 0
    public var redirectsFollowedWithKey = 0
    public var businesses: [Business] = []
    /// By business, kind and id.
    public var contexts: [Context] = []

    public init() {}

    /// One cabinet. Only requests to create chats count.
    public struct Business: Codable, Sendable, Equatable {
        public var id: Int64
        public var requests = 0
        public var statuses: [Int: Int] = [:]
        public var inFlight = 0
        /// The most at the same time, refused ones included.
        public var maxInFlight = 0
        /// 420s because the window was used up.
        public var quotaRefusals = 0
        /// 420s because too many were in flight.
        public var parallelRefusals = 0
        public var quotaLimit = 0
        public var quotaRemaining = 0
        /// Windows in which requests came, the oldest first, the current one last.
        public var windows: [Window] = []
        /// Arrival times of the first requests, in nanoseconds of `CLOCK_MONOTONIC`, in order.
        public var firstArrivals: [UInt64] = []
        /// Of the last ones; both lists hold all of them where there are few.
        public var lastArrivals: [UInt64] = []
    }

    /// One quota window.
    public struct Window: Codable, Sendable, Equatable {
        /// Since 1970.
        public var startSeconds: Double
        /// As `X-RateLimit-Resource-Until` said it.
        public var untilSeconds: Int64
        public var limit: Int
        public var used: Int
        /// 420s because it was used up.
        public var refused: Int
        /// What another integration spent.
        public var shared: Int
    }

    /// One order or return that was asked for.
    public struct Context: Codable, Sendable, Equatable {
        public var businessID: Int64
        public var kind: SandboxContext.Kind
        public var id: Int64
        /// The chat that the Market has for it; `nil`: none.
        public var chatID: Int64?
        /// Requests that named it, refused ones included.
        public var requests: Int
        /// Arrival times of the first 64 of them, in nanoseconds of `CLOCK_MONOTONIC`.
        public var arrivals: [UInt64]
    }

    /// The chats of the registry.
    public var chats: [SandboxContext: Int64] {
        var chats: [SandboxContext: Int64] = [:]
        for context in contexts {
            let key = SandboxContext(businessID: context.businessID, kind: context.kind, id: context.id)
            if let chatID = context.chatID { chats[key] = chatID }
        }
        return chats
    }
}
