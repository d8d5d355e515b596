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
