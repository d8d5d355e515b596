/// A point on the engine's monotonic clock.
public struct Moment: Sendable, Hashable, Comparable {
    /// Since the clock was made.
    public var sinceStart: Duration

    public init(sinceStart: Duration) {
        self.sinceStart = sinceStart
    }

    public static func < (left: Moment, right: Moment) -> Bool { left.sinceStart < right.sinceStart }

    public static func + (moment: Moment, duration: Duration) -> Moment {
        Moment(sinceStart: moment.sinceStart + duration)
    }

    public static func - (left: Moment, right: Moment) -> Duration { left.sinceStart - right.sinceStart }
}
