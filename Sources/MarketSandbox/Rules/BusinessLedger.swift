/// What one cabinet has seen: its quota, its requests in flight, and its history.
struct BusinessLedger: Sendable {
    let id: Int64
    var meter: QuotaMeter
    var lockOut: SandboxLockOut?
    private(set) var inFlight = 0
    private(set) var maxInFlight = 0
    private(set) var requests = 0
    private(set) var quotaRefusals = 0
    private(set) var parallelRefusals = 0
    private(set) var statuses: [Int: Int] = [:]
    private var firstArrivals: [UInt64] = []
    /// A ring: the next arrival goes to `requests % arrivalsKept`.
    private var lastArrivals: [UInt64] = []
    private let arrivalsKept: Int

    init(id: Int64, meter: QuotaMeter, lockOut: SandboxLockOut?, arrivalsKept: Int) {
        self.id = id
        self.meter = meter
        self.lockOut = lockOut
        self.arrivalsKept = max(1, arrivalsKept)
    }

    mutating func arrived(monotonicNanoseconds: UInt64) {
        if firstArrivals.count < arrivalsKept { firstArrivals.append(monotonicNanoseconds) }
        if lastArrivals.count < arrivalsKept {
            lastArrivals.append(monotonicNanoseconds)
        } else {
            lastArrivals[requests % arrivalsKept] = monotonicNanoseconds
        }
        requests += 1
        inFlight += 1
        maxInFlight = max(maxInFlight, inFlight)
    }

    mutating func answered(status: Int) {
        inFlight -= 1
        statuses[status, default: 0] += 1
    }

    mutating func refusedForQuota() { quotaRefusals += 1 }
    mutating func refusedForParallel() { parallelRefusals += 1 }

    mutating func state(at now: SandboxMoment) -> SandboxState.Business {
        var state = SandboxState.Business(id: id)
        state.requests = requests
        state.statuses = statuses
        state.inFlight = inFlight
        state.maxInFlight = maxInFlight
        state.quotaRefusals = quotaRefusals
        state.parallelRefusals = parallelRefusals
        state.quotaLimit = meter.limit
        state.quotaRemaining = meter.remaining(at: now.wallNanoseconds)
        state.windows = meter.past + [meter.record(at: now.wallNanoseconds)].compactMap(\.self)
        state.firstArrivals = firstArrivals
        let oldest = lastArrivals.count < arrivalsKept ? 0 : requests % arrivalsKept
        state.lastArrivals = Array(lastArrivals[oldest...] + lastArrivals[..<oldest])
        return state
    }
}

/// What is known of one order or return.
struct ContextRecord: Sendable {
    static let arrivalsKept = 64

    private(set) var requests = 0
    private(set) var arrivals: [UInt64] = []
    /// Requests that passed the limits: the count that faults are drawn by.
    var admitted = 0
    /// How often it was looked for, and when first.
    private(set) var lookups = 0
    private(set) var firstLookup: UInt64?
    var chatID: Int64?

    mutating func arrived(monotonicNanoseconds: UInt64) {
        requests += 1
        if arrivals.count < Self.arrivalsKept { arrivals.append(monotonicNanoseconds) }
    }

    mutating func lookedUp(monotonicNanoseconds: UInt64) {
        lookups += 1
        if firstLookup == nil { firstLookup = monotonicNanoseconds }
    }
}
