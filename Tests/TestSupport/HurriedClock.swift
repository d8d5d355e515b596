import Synchronization

/// A clock whose sleeps pass at once, each of them at least so long as it was told.
public final class HurriedClock: Clock {
    public struct Instant: InstantProtocol {
        var offset: Duration

        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        public func duration(to other: Instant) -> Duration { other.offset - offset }
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let shortest: Duration
    private let state = Mutex((now: Duration.zero, sleeps: [Duration]()))

    /// - Parameter shortest: a sleep takes no less.
    public init(shortest: Duration = .zero) {
        self.shortest = shortest
    }

    public var now: Instant { Instant(offset: state.withLock(\.now)) }
    public var minimumResolution: Duration { .nanoseconds(1) }
    /// How long each sleep was to take.
    public var sleeps: [Duration] { state.withLock(\.sleeps) }

    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        state.withLock { state in
            let time = deadline.offset - state.now
            state.sleeps.append(time)
            state.now += max(time, shortest)
        }
    }
}
