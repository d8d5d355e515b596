/// How many requests of one business may be in flight: fewer after "too many parallel requests", slowly up again.
///
/// The Market's own limit (4 for each cabinet) is shared with every other integration of that cabinet.
public struct ParallelLimit: Sendable, Hashable {
    /// So many answers in a row without a refusal allow one request more in flight.
    static let answersToRise = 20
    /// The pause after a refusal, before chance adds as much again. It doubles with each refusal in a row.
    static let pause = Backoff(base: .seconds(1), max: .seconds(60))

    /// 1 to 4.
    public let max: Int
    /// 1 to `max`.
    public private(set) var current: Int
    /// Nothing goes out before.
    public internal(set) var pausedUntil: Moment?
    private var answers = 0
    /// Refusals in a row, those that were in flight together counted once.
    private var refusals = 0
    /// When the limit was last lowered: a refusal of a request that was sent before says nothing new.
    var loweredAt: Moment?

    public init(max: Int) {
        self.max = Swift.max(1, max)
        current = self.max
    }

    /// The Market took the request.
    public mutating func answered() {
        refusals = 0
        guard current < max else { return }
        answers += 1
        if answers >= Self.answersToRise {
            answers = 0
            current += 1
        }
    }

    /// The Market refused: too many in flight.
    ///
    /// - Parameters:
    ///   - sentAt: when the request that was refused was sent.
    ///   - now: this moment.
    ///   - random: in 0..<1, for the pause.
    public mutating func refused(sentAt: Moment, now: Moment, random: Double) {
        answers = 0
        if let loweredAt, sentAt <= loweredAt { return }
        current = Swift.max(1, current - 1)
        loweredAt = now
        let pause = Self.pause.step(attempts: refusals)
        pausedUntil = now + pause + pause * random
        refusals += 1
    }

    /// Somebody says that there is room again.
    mutating func endPause() {
        pausedUntil = nil
    }
}
