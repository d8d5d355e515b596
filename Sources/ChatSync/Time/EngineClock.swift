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

/// The engine's only source of time: any clock of Swift's, real or simulated, without its type.
public struct EngineClock: Sendable {
    /// The clock itself, for those who only sleep.
    public let base: any Clock<Duration>
    private let read: @Sendable () -> Moment
    private let wait: @Sendable (Moment) async throws -> Void

    /// A clock that goes on while the machine is suspended, as the Market's windows do.
    public static let continuous = EngineClock(ContinuousClock())

    public init<Base: Clock>(_ clock: Base) where Base.Duration == Duration {
        base = clock
        let start = clock.now
        read = { Moment(sinceStart: start.duration(to: clock.now)) }
        wait = { try await clock.sleep(until: start.advanced(by: $0.sinceStart), tolerance: nil) }
    }

    /// Now.
    public var now: Moment { read() }

    /// Returns at `moment`, or at once when the task is cancelled.
    public func sleep(until moment: Moment) async {
        try? await wait(moment)
    }
}

/// The engine's only source of chance.
public struct EngineRandom: Sendable {
    private let draw: @Sendable () -> Double

    /// The system's generator.
    public static let system = EngineRandom { Double.random(in: 0..<1) }

    /// - Parameter draw: returns a number in 0..<1, evenly spread.
    public init(_ draw: @escaping @Sendable () -> Double) {
        self.draw = draw
    }

    /// A number in 0..<1, evenly spread.
    public func next() -> Double { draw() }
}
