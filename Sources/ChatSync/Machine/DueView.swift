import ChatOutbox
import MarketAPI

/// What is known of the rows that are due in the database beyond those in the ``RowTable``: how far the last read came, and
/// whether another one is needed.
struct DueView: Sendable, Hashable {
    /// Rows of one read. Small, so that a row of higher priority does not wait behind many.
    static let batch = 16
    static let repeatBatch = 8
    /// A read from the beginning is due after this, since rows that commit late may lie before the watermark.
    static let sweepInterval = Duration.seconds(5)
    /// After a statement that failed.
    static let retry = Backoff(base: .milliseconds(100), max: .seconds(5))
    /// After so long a sample says nothing of what is due now.
    static let sampleAge = Duration.seconds(30)

    var isReadNeeded = true
    /// Whether something may have become due since the read under way began.
    var isReadNeededAgain = false
    private(set) var watermark: Watermark?
    var lastSweep: Moment?
    var nextDue: Moment?
    /// Whether the last read began at the beginning and left nothing behind.
    private(set) var isComplete = false
    /// How many rows the last read found.
    var lastCount = 0
    /// Of which type the last read was; `nil`: both.
    private(set) var contextType: String?
    /// Rows whose results were written since the read under way began, which may have seen them as they were before.
    var settledMeanwhile: Set<Int64> = []
    private(set) var question: Question?
    var failures = 0
    var retryAt: Moment?
    /// Rows drawn from all parts, for probes; by type, `nil` for both.
    var samples: [String?: Sample] = [:]
    /// Whether there may be rows that have not failed, beyond those that are known.
    var mayHaveUntested = PerKind(true)

    struct Sample: Sendable, Hashable {
        var rows: [DueRow]
        var takenAt: Moment
    }

    /// Whether rows come in so fast that notifying is not worth its price.
    var isBusy: Bool { lastCount >= Self.batch / 2 }

    /// Whether a repeat had better not be sent before another read.
    func isOld(now: Moment) -> Bool {
        lastSweep.map { now - $0 >= .seconds(1) } ?? true
    }

    mutating func mustRead() {
        isReadNeeded = true
        if question != nil { isReadNeededAgain = true }
        watermark = nil
    }

    /// The sample of this type, where there is one that still says something.
    func sample(of contextType: String?, now: Moment) -> Sample? {
        samples[contextType].flatMap { now - $0.takenAt < Self.sampleAge ? $0 : nil }
    }

    /// Rows that have not failed, of those that were drawn.
    func untestedInSamples(of kind: ChatContext.Kind) -> Int {
        samples.values.map { $0.rows.count { $0.kind == kind && $0.attempts == 0 } }.max() ?? 0
    }

    /// The sample of this type is used up.
    mutating func forgetSample(of contextType: String?) {
        samples[contextType] = nil
    }

    /// New rows may have come.
    mutating func news() {
        mustRead()
        samples = [:]
        mayHaveUntested = PerKind(true)
    }

    /// What is asked next of rows in their order.
    func read(contextType: String?, known: Int, now: Moment) -> DueRead {
        let isSweep = contextType != self.contextType || lastSweep.map { now - $0 >= Self.sweepInterval } ?? true
        return DueRead(
            limit: Self.batch + known, repeatLimit: Self.repeatBatch + known, contextType: contextType,
            watermark: isSweep ? nil : watermark)
    }

    /// From the beginning.
    func fullRead(contextType: String?, known: Int) -> DueRead {
        DueRead(limit: Self.batch + known, repeatLimit: Self.repeatBatch + known, contextType: contextType)
    }

    mutating func asked(_ question: Question) {
        self.question = question
        settledMeanwhile = []
        isReadNeededAgain = false
    }

    mutating func isSettled(_ id: Int64) {
        if question != nil { settledMeanwhile.insert(id) }
    }

    func wasSettledMeanwhile(_ id: Int64) -> Bool { settledMeanwhile.contains(id) }

    /// A row will be due then.
    mutating func willBeDue(_ moment: Moment) {
        nextDue = min(nextDue ?? moment, moment)
        dueMeanwhile = question == nil ? nil : min(dueMeanwhile ?? moment, moment)
    }

    var dueMeanwhile: Moment?

    /// Takes in how far a read came.
    mutating func answered(_ found: DueRows, to read: DueRead, free: Int, now: Moment) {
        question = nil
        failures = 0
        retryAt = nil
        isReadNeeded = isReadNeededAgain
        // Only a read from the beginning looks for what is due later.
        if read.watermark == nil {
            nextDue = [found.nextDueIn.map { now + $0 }, dueMeanwhile].compactMap { $0 }.min()
            lastSweep = now
        }
        dueMeanwhile = nil
        contextType = read.contextType
        lastCount = free
        // A full read may have left rows behind; one that starts at the watermark may have missed rows before it.
        watermark =
            found.fresh.count >= read.limit
            ? found.fresh.last.map { Watermark(priority: $0.priority, dueAtMicroseconds: $0.dueAtMicroseconds) } : nil
        isComplete = read.watermark == nil && watermark == nil
    }

    mutating func sampled(_ rows: [DueRow], now: Moment) {
        guard case .sample(let contextType) = question else { return }
        question = nil
        failures = 0
        retryAt = nil
        let rows = rows.filter { !wasSettledMeanwhile($0.id) }
        samples[contextType] = Sample(rows: rows, takenAt: now)
        for kind in ChatContext.Kind.allCases where contextType == nil || contextType == kind.rawValue {
            mayHaveUntested[kind] = rows.contains { $0.kind == kind && $0.attempts == 0 }
        }
    }

    mutating func takeFromSample(_ id: Int64) {
        for contextType in samples.keys { samples[contextType]?.rows.removeAll { $0.id == id } }
    }

    mutating func askFailed(now: Moment, random: Double) {
        question = nil
        isReadNeeded = true
        watermark = nil
        retryAt = now + Self.retry.delay(attempts: failures, random: random)
        failures = min(failures + 1, 100)
    }

    /// The session is no more.
    mutating func forget() {
        question = nil
        nextDue = nil
        dueMeanwhile = nil
        lastCount = 0
        samples = [:]
        retryAt = nil
        mustRead()
    }
}
