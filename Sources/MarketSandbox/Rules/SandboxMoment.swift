import Glibc

/// A point in time on both clocks, given to every rule from outside.
public struct SandboxMoment: Sendable, Equatable {
    /// Nanoseconds since 1970 by the Market's clock: quota windows and dates.
    public var wallNanoseconds: Int64
    /// Nanoseconds of this machine's monotonic clock: arrival times and durations.
    public var monotonicNanoseconds: UInt64

    public init(wallNanoseconds: Int64, monotonicNanoseconds: UInt64) {
        self.wallNanoseconds = wallNanoseconds
        self.monotonicNanoseconds = monotonicNanoseconds
    }

    /// Now, on a Market whose clock is `offset` ahead.
    static func now(offset: Duration) -> Self {
        Self(
            wallNanoseconds: Int64(clamping: read(CLOCK_REALTIME)) &+ offset.nanoseconds,
            monotonicNanoseconds: monotonicNow())
    }

    /// `CLOCK_MONOTONIC` in nanoseconds: comparable with what any other process of this machine reads from it.
    public static func monotonicNow() -> UInt64 { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return 0 }
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

extension Duration {
    /// Rounded towards zero; where it does not fit, the nearest that does.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }
}
