/// How an imitated Market behaves. Every default is the vendor's documented value, and no fault is on.
public struct SandboxOptions: Sendable {
    /// The address to listen on. Anything but loopback lets strangers in.
    public var host = "127.0.0.1"
    /// 1 to 65535, or 0 for any free port.
    public var port = 0
    /// Every chance is drawn from it: the same seed and the same requests give the same answers, in whatever order the
    /// requests come.
    public var seed: UInt64 = 1
    /// Requests per window and business; 1 or more. The vendor's `x-resource-limit-config` says 1,000 an hour.
    public var quota = 1000
    /// The length of the windows, which start at whole multiples of it since 1970. Positive.
    public var window = Duration.seconds(3600)
    /// Requests in flight per business; 1 or more. The vendor says 4.
    public var parallel = 4
    /// The keys that are known. A key that is bound to no business opens every one.
    public var keys = [SandboxKey(token: SandboxKey.defaultToken)]
    /// The cabinets that exist; empty: every id is a cabinet with one FBS shop.
    public var businesses: [SandboxBusiness] = []
    public var faults = SandboxFaults()
    /// Nothing works from the start, until a change ends it.
    public var outage: SandboxOutage?
    /// Orders and returns that the Market does not know, or not yet.
    public var missing = MissingContexts()
    /// Orders and returns that are always answered badly.
    public var bad: [SandboxBadRule] = []
    /// What every answered request takes at least.
    public var latency = Duration.zero
    /// The Market's own limit for a request: whatever takes longer is answered 504 then. The vendor says 10 s.
    public var serverTimeout = Duration.seconds(10)
    /// What another integration of every cabinet spends of the same quota, in requests a second.
    public var sharedRequestsPerSecond = 0.0
    /// How many of the parallel requests another integration of every cabinet holds all the time.
    public var sharedParallel = 0
    /// Whether a 420 for too many parallel requests spends quota; the vendor does not say.
    public var parallelRefusalSpends = false
    /// Take the older `orderId` body, which the vendor shut down on 2026-10-19.
    public var acceptsLegacyOrderID = false
    /// Keep connections open after an answer. The vendor does not.
    public var keepAlive = false
    /// The share of errors in the older body shape, 0 to 1.
    public var oldErrorShape = 0.0
    /// How far the Market's clock is ahead of this machine's; negative: behind.
    public var clockOffset = Duration.zero
    /// How many arrival times are kept: the first and the last so many of each business, the first 64 of each context.
    public var arrivalsKept = 1000

    public init() {}
}
