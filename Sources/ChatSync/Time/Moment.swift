/// A point on the engine's monotonic clock.
public struct Moment: Sendable, Hashable, Comparable {
    /// Since the clock was made.
    public var sinceStart: Duration

    public init(sinceStart: Duration) {
        self.sinceStart = sinceStart
    }

    public static func < (left: Moment, right: Moment) -> Bool { left.sinceStart < right.sinceStart }

    /// So much later.
    public static func + (moment: Moment, duration: Duration) -> Moment {
        Moment(sinceStart: moment.sinceStart + duration)
    }

    /// From the right one to the left one; negative where the left one is earlier.
    public static func - (left: Moment, right: Moment) -> Duration { left.sinceStart - right.sinceStart }
}
