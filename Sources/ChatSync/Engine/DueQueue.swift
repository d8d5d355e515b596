import ChatOutbox

/// Which due row of a business goes next, and when the database has to be asked for more.
///
/// Holds a handful of rows, whatever the backlog: one read's worth, and those that have to be left alone for a while.
struct DueQueue: Sendable {
    /// Rows of one read. Small, so that a row of higher priority does not wait behind many.
    static let batch = 16
    /// A read from the beginning is due after this, since rows that commit late may lie before the watermark.
    static let sweepInterval = Duration.seconds(5)
    /// More rows than this are never left alone at a time.
    static let shelfLimit = 500
    /// So long others go before a row that was a probe in vain.
    private static let lastInLine = Duration.seconds(30)
    /// A row that holds the business again and again waits for up to 16 rechecks, which are 80 minutes.
    private static let longestWaitDoublings = 4

    /// What to do for the next row.
    enum Next: Equatable {
        case row(DueRow)
        /// Ask the database.
        case read(after: Watermark?)
        /// Nothing is due before this; `nil`: as far as is known.
        case nothing(until: Moment?)
    }

    /// Rows that were answered and are not yet written.
    var unsettled: Set<Int64> = []

    private var rows: ArraySlice<DueRow> = []
    /// Due, but to be left alone.
    private var shelvedRows: [DueRow] = []
    private var shelf: [Int64: Shelved] = [:]
    private var isReadNeeded = true
    private var watermark: Watermark?
    private var lastSweep: Moment?
    private var nextDue: Moment?
    /// Whether the last read began at the beginning and left nothing behind.
    private var isComplete = false
    private var lastCount = 0
    private var meanwhile = Meanwhile()

    /// What happened since the read under way began, which may have seen the rows as they were before.
    private struct Meanwhile {
        var settled: Set<Int64> = []
        var isReadNeeded = false
        var nextDue: Moment?
    }

    /// A row to be left alone.
    private struct Shelved {
        /// How often the row was there when the business got held for good.
        var strikes = 0
        /// How often it was sent to find out whether the business is well again, in vain.
        var failedProbes = 0
        var until: Moment
        /// Whether it may be sent before, alone.
        var mayProbe: Bool

        /// Whether the row may go before its time where no other is due.
        func mayGo(asProbe isProbe: Bool) -> Bool { mayProbe && (isProbe || strikes < 2) }
    }

    /// Whether rows come in so fast that notifying is not worth its price.
    var isBusy: Bool { lastCount >= Self.batch / 2 }
    var isEmpty: Bool { rows.isEmpty }
    var shelfIsFull: Bool { shelf.count >= Self.shelfLimit }
    /// How many rows a read has to ask for so that at least one of them is new, if there is one.
    var readLimit: Int { Self.batch + unsettled.count + shelf.count + 4 }

    /// Rows that are due and to be left alone for now.
    func shelfCount(now: Moment) -> Int {
        shelf.values.count { $0.until > now }
    }

    /// What is known is not enough any more.
    mutating func mustRead() {
        isReadNeeded = true
        meanwhile.isReadNeeded = true
        watermark = nil
    }

    /// The database is asked now; ``found(_:limit:isFromBeginning:inFlight:now:)`` follows.
    mutating func readBegins() {
        meanwhile = Meanwhile()
    }

    /// The business is not ours any more. The shelf stays: its rows are still to be left alone.
    mutating func forget() {
        rows = []
        shelvedRows = []
        nextDue = nil
        lastCount = 0
        mustRead()
    }

    /// - Parameter isProbe: one request alone is to find out whether the business is well again.
    mutating func next(isProbe: Bool, now: Moment) -> Next {
        if isReadNeeded { return .read(after: sweeps(now) ? nil : watermark) }
        // Before rows that have become due since: each read takes them in, by their priority.
        if let row = rows.first { return .row(row) }
        if watermark != nil { return .read(after: sweeps(now) ? nil : watermark) }
        if !isComplete || nextDue.map({ $0 <= now }) == true { return .read(after: nil) }
        if let row = shelvedRows.first(where: { shelf[$0.id]?.mayGo(asProbe: isProbe) ?? true }) { return .row(row) }
        let nextOffShelf = shelvedRows.map { shelf[$0.id]?.until ?? now }.min()
        if let nextOffShelf, nextOffShelf <= now { return .read(after: nil) }
        return .nothing(until: [nextDue, nextOffShelf].compactMap { $0 }.min())
    }

    private func sweeps(_ now: Moment) -> Bool {
        lastSweep.map { now - $0 >= Self.sweepInterval } ?? true
    }

    /// Takes in what a read found.
    mutating func found(_ found: DueRows, limit: Int, isFromBeginning: Bool, inFlight: Set<Int64>, now: Moment) {
        isReadNeeded = meanwhile.isReadNeeded
        // Only a read from the beginning looks for what is due later.
        if isFromBeginning {
            nextDue = [found.nextDueIn.map { now + $0 }, meanwhile.nextDue].compactMap { $0 }.min()
            lastSweep = now
        }
        let taken = inFlight.union(unsettled).union(meanwhile.settled)
        let free = found.rows.filter { !taken.contains($0.id) }
        rows = free.filter { shelf[$0.id].map { $0.until <= now } ?? true }[...]
        shelvedRows = free.filter { shelf[$0.id].map { $0.until > now } ?? false }
        lastCount = rows.count
        if isFromBeginning, found.rows.count < limit { forgetRowsThatAreGone(found.rows) }
        // A full read may have left rows behind; one that starts at the watermark may have missed rows before it.
        watermark =
            found.rows.count >= limit
            ? found.rows.last.map { Watermark(priority: $0.priority, dueAtMicroseconds: $0.dueAtMicroseconds) } : nil
        isComplete = isFromBeginning && watermark == nil
    }

    private mutating func forgetRowsThatAreGone(_ all: [DueRow]) {
        let due = Set(all.map(\.id))
        shelf = shelf.filter { due.contains($0.key) }
    }

    /// The row is on its way.
    mutating func taken(_ row: DueRow) {
        if rows.first?.id == row.id { rows.removeFirst() } else { shelvedRows.removeAll { $0.id == row.id } }
    }

    /// The result of the row was written.
    mutating func settled(_ row: DueRow, change: RowResult.Change, now: Moment) {
        isWritten(row)
        switch change {
        case .created, .rejected: shelf[row.id] = nil
        case .backoff(let delay): putOff(row, until: now + delay)
        case .deferred: mustRead()
        }
    }

    /// The row is as somebody else left it.
    mutating func isNotOurs(_ row: DueRow) {
        isWritten(row)
        shelf[row.id] = nil
        mustRead()
    }

    /// The row will be due again, not later than this.
    mutating func putOff(_ row: DueRow, until: Moment) {
        isWritten(row)
        shelf[row.id] = nil
        nextDue = min(nextDue ?? until, until)
        meanwhile.nextDue = min(meanwhile.nextDue ?? until, until)
    }

    private mutating func isWritten(_ row: DueRow) {
        unsettled.remove(row.id)
        meanwhile.settled.insert(row.id)
    }

    /// The database refuses to write this row.
    mutating func leaveAlone(_ row: DueRow, until: Moment) {
        isWritten(row)
        shelf[row.id] = Shelved(until: until, mayProbe: false)
        mustRead()
    }

    // MARK: Rows that may be why the business is held

    /// The row was in flight when the business got held, for which it may itself be the reason. Others go first; and if it
    /// was there the last time too, it has to wait when the hold is over, longer each time.
    mutating func strike(_ id: Int64, holdEnd: Moment) {
        let strikes = (shelf[id]?.strikes ?? 0) + 1
        guard strikes > 1 || !shelfIsFull else { return }
        let wait = Verdict.recheck * (1 << min(max(strikes - 2, 0), Self.longestWaitDoublings))
        shelf[id] = Shelved(strikes: strikes, until: holdEnd + wait, mayProbe: true)
    }

    /// The row was a probe, and the business is no better: another one is the next.
    mutating func letOthersProbe(_ id: Int64, holdEnd: Moment) {
        guard shelf[id] != nil || !shelfIsFull else { return }
        var shelved = shelf[id] ?? Shelved(until: holdEnd, mayProbe: true)
        shelved.failedProbes += 1
        shelved.until = max(shelved.until, holdEnd + Verdict.recheck)
        shelf[id] = shelved
    }

    /// The business is well again. A row that was there but once when it got held may have been innocent; one that was a
    /// probe in vain again and again goes after the others, for a while.
    mutating func reopened(now: Moment) {
        for (id, shelved) in shelf where shelved.mayProbe && shelved.strikes < 2 {
            shelf[id]?.until = shelved.failedProbes < 2 ? now : now + Self.lastInLine
        }
        mustRead()
    }

    /// What the business was held for may have been mended: no row is suspected any more.
    mutating func forgive() {
        shelf = shelf.filter { !$0.value.mayProbe }
        mustRead()
    }
}
