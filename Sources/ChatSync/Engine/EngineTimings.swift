import Glibc

/// What the engine measures of itself, all businesses together.
public struct EngineTimings: Sendable, Equatable {
    /// From the moment that a row was due to its chat ID in the table. By this host's clock and the database's, so a
    /// difference between the two shows in it.
    public var dueToSettled = DurationHistogram()
    /// One exchange with the Market, whatever came of it.
    public var request = DurationHistogram()
    /// One transaction that writes results.
    public var settlement = DurationHistogram()

    public init() {}
}

/// The time of day, as PostgreSQL counts it: microseconds since 2000-01-01T00:00Z.
func microsecondsSince2000() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return (Int64(time.tv_sec) - 946_684_800) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
