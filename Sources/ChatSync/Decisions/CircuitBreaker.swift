/// Stops sending while the Market is sick, and asks it with one request at a time whether it is well again.
public struct CircuitBreaker: Sendable, Equatable {
    /// So many failures in a row open the circuit.
    public static let threshold = 5
    /// Until the first probe, and until the last ones.
    static let probing = Backoff(base: .seconds(1), max: .seconds(60))

    /// Failures in a row.
    public private(set) var failures = 0
    private var openness: Openness?

    private struct Openness: Equatable {
        var failedProbes: Int
        var nextProbe: Moment
    }

    public init() {}

    /// Whether only probes go out.
    public var isOpen: Bool { openness != nil }

    /// When the next probe may go out; `nil` while closed.
    public var nextProbe: Moment? { openness?.nextProbe }

    /// The Market answered in its right mind.
    public mutating func succeeded() {
        failures = 0
        openness = nil
    }

    /// The Market failed.
    ///
    /// - Parameter wasProbe: whether the request went out while the circuit was open. Others that fail then were sent
    ///   before and say nothing new.
    public mutating func failed(wasProbe: Bool, now: Moment, chance: Double) {
        failures += 1
        if let openness {
            guard wasProbe else { return }
            open(failedProbes: openness.failedProbes + 1, now: now, chance: chance)
        } else if failures >= Self.threshold {
            open(failedProbes: 0, now: now, chance: chance)
        }
    }

    private mutating func open(failedProbes: Int, now: Moment, chance: Double) {
        openness = Openness(
            failedProbes: failedProbes,
            nextProbe: now + Self.probing.delay(attempts: failedProbes, chance: chance))
    }
}
