/// How long things took, counted by size: for quantiles that a monitoring system works out.
public struct DurationHistogram: Sendable, Equatable {
    /// Upper bounds in seconds, each included; a last one without a bound follows.
    public static let bounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400,
    ]
    /// How many were up to each bound and above the one before it.
    public private(set) var counts = Array(repeating: 0, count: Self.bounds.count + 1)
    /// In seconds.
    public private(set) var sum = 0.0

    public init() {}

    /// - Parameter seconds: what is negative counts as 0.
    public mutating func add(seconds: Double) {
        let seconds = max(seconds, 0)
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += seconds
    }
}
