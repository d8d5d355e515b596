/// How long a row is put off after a failure: exponential, between half of the step and the whole of it.
///
/// The lower half is never cut away, so that a row cannot come back at once; the upper half is chance, so that rows that
/// failed together do not come back together.
public struct Backoff: Sendable, Hashable {
    /// The step after the first failure.
    public var base: Duration
    /// The longest step.
    public var max: Duration

    public init(base: Duration, max: Duration) {
        self.base = base
        self.max = max
    }

    /// - Parameters:
    ///   - attempts: failures before this one; 0 or more.
    ///   - random: in 0..<1.
    public func delay(attempts: Int, random: Double) -> Duration {
        let step = step(attempts: attempts)
        return step / 2 + step / 2 * random
    }

    /// The longest delay after so many failures.
    public func step(attempts: Int) -> Duration {
        var step = Swift.min(base, max)
        var growths = attempts
        while growths > 0, step < max {
            step = Swift.min(step * 2, max)
            growths -= 1
        }
        return step
    }
}
