/// What the engine is told. Ranges are the caller's to check.
public struct EngineConfiguration: Sendable {
    /// The cabinets, each once.
    public var businessIDs: [Int64]
    /// The fallback poll, which is the session's heartbeat too.
    public var pollInterval: Duration
    /// First step of a row's backoff.
    public var retryBase: Duration
    /// Longest step of a row's backoff.
    public var retryMax: Duration
    /// How long a row that the Market does not find is tried again.
    public var notFoundPatience: Duration
    /// On stop, how long calls in flight may take to finish and be written.
    public var drainTimeout: Duration
    /// Requests in a window of the quota, until the first response tells it.
    public var requestsPerWindow: Int
    /// Requests of each window left to the cabinet's other integrations.
    public var quotaReserve: Int
    /// Requests in flight for each business, 1 to 4.
    public var maxParallel: Int
    /// Settle what is due, and end.
    public var isOnce: Bool

    public init(
        businessIDs: [Int64], pollInterval: Duration = .seconds(10), retryBase: Duration = .seconds(2),
        retryMax: Duration = .seconds(900), notFoundPatience: Duration = .seconds(7200),
        drainTimeout: Duration = .seconds(30), requestsPerWindow: Int = 1000, quotaReserve: Int = 0,
        maxParallel: Int = 2, isOnce: Bool = false
    ) {
        self.businessIDs = businessIDs
        self.pollInterval = pollInterval
        self.retryBase = retryBase
        self.retryMax = retryMax
        self.notFoundPatience = notFoundPatience
        self.drainTimeout = drainTimeout
        self.requestsPerWindow = requestsPerWindow
        self.quotaReserve = quotaReserve
        self.maxParallel = maxParallel
        self.isOnce = isOnce
    }
}
