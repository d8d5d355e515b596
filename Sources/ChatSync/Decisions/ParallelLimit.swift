/// How many requests of one business may be in flight: fewer after "too many parallel requests", slowly up again.
///
/// The Market's own limit (4 for each cabinet) is shared with every other integration of that cabinet.
public struct ParallelLimit: Sendable, Equatable {
    /// So many answers in a row without a refusal allow one request more in flight.
    static let answersToRise = 20
    /// The pause after a refusal, before chance adds as much again.
    static let pause = Duration.seconds(1)

    /// 1 to 4.
    public let max: Int
    /// 1 to `max`.
    public private(set) var current: Int
    /// Nothing goes out before.
    public private(set) var pausedUntil: Moment?
    private var answers = 0

    public init(max: Int) {
        self.max = Swift.max(1, max)
        current = self.max
    }

    /// The Market answered, whatever it said.
    public mutating func answered() {
        guard current < max else { return }
        answers += 1
        if answers >= Self.answersToRise {
            answers = 0
            current += 1
        }
    }

    /// The Market refused: too many in flight.
    public mutating func refused(now: Moment, chance: Double) {
        answers = 0
        current = Swift.max(1, current - 1)
        pausedUntil = now + Self.pause + Self.pause * chance
    }
}
