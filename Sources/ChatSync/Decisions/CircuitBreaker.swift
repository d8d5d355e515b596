/// Stops sending while the Market is sick, and asks it with one request at a time whether it is well again.
///
/// It cannot know whether the Market fails or a crowd of rows does. So probes come often enough that each due row is
/// tried within a minute and five seconds for each of them (`interval`); and when a probe is
/// answered and yet the failures go on, it takes them for the rows' own more and more (``threshold``).
public struct CircuitBreaker: Sendable, Hashable {
    /// So many failures in a row open the circuit, at first.
    static let leastThreshold = 5
    static let mostThreshold = 640
    /// Until the first probe, and until the last ones.
    static let probing = Backoff(base: .seconds(1), max: .seconds(60))
    /// Between two probes while there are rows that have not failed yet.
    static let untestedInterval = Duration.seconds(5)
    /// A circuit that was closed for so long is as good as new.
    static let probation = Duration.seconds(60)

    /// Failures in a row.
    public private(set) var failures = 0
    /// So many in a row open the circuit: twice as many after each time that it opened though the Market was well.
    public private(set) var threshold = Self.leastThreshold
    var openness: Openness?
    /// When the circuit was last closed by an answer.
    var closedAt: Moment?
    /// When the Market last answered in its right mind.
    var answeredAt: Moment?

    struct Openness: Hashable {
        var failedProbes = 0
        /// When the circuit opened, or the last probe went out.
        var lastProbe: Moment
        /// The share of the interval that chance takes away, 0 up to a half.
        var jitter: Double
    }

    public init() {}

    /// Whether only probes go out.
    public var isOpen: Bool { openness != nil }

    /// When the circuit opened, or the last probe went out; `nil` while closed.
    var lastProbe: Moment? { openness?.lastProbe }

    /// Whether the Market answered not long ago, so that a row which failed before says nothing new when it fails again.
    func isProvenWell(now: Moment) -> Bool {
        answeredAt.map { now - $0 < Self.probation } ?? false
    }

    /// When the next probe may go out; `nil` while closed.
    ///
    /// - Parameters:
    ///   - rows: rows that are due, as far as is known: the more there are, the sooner each has to be tried.
    ///   - hasUntested: whether there may be rows that have not failed.
    func nextProbe(rows: Int, hasUntested: Bool) -> Moment? {
        openness.map { $0.lastProbe + interval($0, rows: rows, hasUntested: hasUntested) }
    }

    private func interval(_ openness: Openness, rows: Int, hasUntested: Bool) -> Duration {
        // So that n rows take a minute and five seconds for each but one.
        let share = Duration.seconds(5) + .seconds(55) / max(rows, 1)
        let step = min(Self.probing.step(attempts: openness.failedProbes), share)
        let interval = step - step * openness.jitter
        return hasUntested ? min(interval, Self.untestedInterval) : interval
    }

    /// The Market answered in its right mind.
    public mutating func succeeded(now: Moment) {
        failures = 0
        answeredAt = now
        if openness != nil {
            openness = nil
            closedAt = now
            threshold = min(threshold * 2, Self.mostThreshold)
        } else if let closedAt, now - closedAt >= Self.probation {
            self.closedAt = nil
            threshold = Self.leastThreshold
        }
    }

    /// A probe goes out.
    mutating func probed(now: Moment, random: Double) {
        openness?.lastProbe = now
        openness?.jitter = random / 2
    }

    /// The Market failed.
    ///
    /// - Parameters:
    ///   - wasProbe: whether the request went out while the circuit was open. Others that fail then were sent before and
    ///     say nothing new.
    ///   - isNews: whether the row had not failed before.
    ///   - now: this moment.
    ///   - random: in 0..<1, for the time of the first probe.
    /// - Returns: whether the circuit opened.
    @discardableResult
    public mutating func failed(wasProbe: Bool, isNews: Bool = true, now: Moment, random: Double) -> Bool {
        if openness != nil {
            if wasProbe { openness?.failedProbes += 1 }
            return false
        }
        guard isNews || !isProvenWell(now: now) else { return false }
        failures += 1
        guard failures >= threshold else { return false }
        openness = Openness(lastProbe: now, jitter: random / 2)
        return true
    }

    /// Probes start anew, soon: somebody may have mended what was wrong.
    mutating func recheck() {
        openness?.failedProbes = 0
    }
}
