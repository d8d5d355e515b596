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
    /// Due, but to be left alone; of use as probes.
    private var shelvedRows: [DueRow] = []
    private var shelf: [Int64: Shelved] = [:]
    private var isReadNeeded = true
    private var watermark: Watermark?
    private var lastSweep: Moment?
    private var nextDue: Moment?
    private var lastCount = 0

    private struct Shelved {
        /// How often the row was there when the business got held.
        var strikes = 0
        var until: Moment
        /// Whether it may be sent before, alone.
        var mayProbe: Bool
    }

    /// Whether rows come in so fast that notifying is not worth its price.
    var isBusy: Bool { lastCount >= Self.batch / 2 }
    var isEmpty: Bool { rows.isEmpty }
    var shelfCount: Int { shelf.count }
    var shelfIsFull: Bool { shelf.count >= Self.shelfLimit }
    /// How many rows a read has to ask for so that at least one of them is new, if there is one.
    var readLimit: Int { Self.batch + unsettled.count + shelf.count + 4 }

    /// What is known is not enough any more.
    mutating func mustRead() {
        isReadNeeded = true
        watermark = nil
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
        if isReadNeeded || nextDue.map({ $0 <= now }) == true { return .read(after: sweeps(now) ? nil : watermark) }
        if let row = rows.first { return .row(row) }
        if watermark != nil { return .read(after: sweeps(now) ? nil : watermark) }
        if isProbe, let row = shelvedRows.first { return .row(row) }
        let nextOffShelf = shelvedRows.compactMap { shelf[$0.id]?.until }.min()
        if let nextOffShelf, nextOffShelf <= now {
            return .read(after: nil)
        }
        return .nothing(until: [nextDue, nextOffShelf].compactMap { $0 }.min())
    }

    private func sweeps(_ now: Moment) -> Bool {
        lastSweep.map { now - $0 >= Self.sweepInterval } ?? true
    }

    /// Takes in what a read found.
    mutating func found(_ found: DueRows, limit: Int, isFromBeginning: Bool, inFlight: Set<Int64>, now: Moment) {
        isReadNeeded = false
        nextDue = found.nextDueIn.map { now + $0 }
        if isFromBeginning { lastSweep = now }
        let free = found.rows.filter { !inFlight.contains($0.id) && !unsettled.contains($0.id) }
        rows = free.filter { shelf[$0.id].map { $0.until <= now } ?? true }[...]
        shelvedRows = free.filter { shelf[$0.id].map { $0.until > now && $0.mayProbe } ?? false }
        lastCount = rows.count
        if isFromBeginning, found.rows.count < limit { forgetRowsThatAreGone(found.rows) }
        // A full read may have left rows behind; one that starts at the watermark may have missed rows before it.
        watermark =
            found.rows.count >= limit
            ? found.rows.last.map { Watermark(priority: $0.priority, dueAtMicroseconds: $0.dueAtMicroseconds) } : nil
        if !isFromBeginning, rows.isEmpty, watermark == nil { mustRead() }
    }

    private mutating func forgetRowsThatAreGone(_ all: [DueRow]) {
        let due = Set(all.map(\.id))
        shelf = shelf.filter { due.contains($0.key) }
    }

    /// The row is on its way.
    mutating func taken(_ row: DueRow) {
        if rows.first?.id == row.id { rows.removeFirst() } else { shelvedRows.removeAll { $0.id == row.id } }
    }

    /// The row was not sent after all.
    mutating func putBack(_ row: DueRow) {
        mustRead()
    }

    /// The result of the row was written, or somebody else's was.
    mutating func settled(_ row: DueRow, change: RowResult.Change) {
        unsettled.remove(row.id)
        if case .deferred = change {
            mustRead()
        } else {
            shelf[row.id] = nil
        }
    }

    /// The row was there when the business got held, or its probe failed: others go first.
    mutating func shelve(_ id: Int64, until: Moment, now: Moment) {
        let strikes = (shelf[id]?.strikes ?? 0) + 1
        guard strikes > 1 || !shelfIsFull else { return }
        shelf[id] = Shelved(strikes: strikes, until: until, mayProbe: true)
    }

    /// The business is well again. A row that was there the first time may have been innocent.
    mutating func reopened(now: Moment) {
        for id in shelf.keys where shelf[id]?.strikes == 1 { shelf[id]?.until = now }
        mustRead()
    }

    /// The database refuses to write this row.
    mutating func leaveAlone(_ id: Int64, until: Moment) {
        shelf[id] = Shelved(until: until, mayProbe: false)
    }
}
