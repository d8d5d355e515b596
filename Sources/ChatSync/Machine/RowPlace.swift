import ChatOutbox
import MarketAPI

/// Where a row is, as its owner knows. A row that is nowhere is in the database, due or not.
enum RowPlace: Sendable, Hashable {
    /// Due, never tried.
    case fresh
    /// Due, tried before.
    case again
    /// Sent, and not yet answered.
    case inFlight(Flight)
    /// Answered; its result is being written. Then it is under suspicion, or gone.
    case writing(RowResult, refusals: Int, suspicion: Suspicion?)
    /// The database refused the result: it is kept, and written again.
    case unwritten(RowResult, refusals: Int, nextTry: Moment, suspicion: Suspicion?)
    /// Due in the database, but it failed while it was not clear whose fault that was.
    case suspect(Suspicion)
}

/// One request.
struct Flight: Sendable, Hashable {
    var sentAt: Moment
    /// Whether it goes alone, to find out whether the business is well again.
    var purpose: Purpose
    /// ``QuotaPacer/windowNumber``.
    var window: Int
    /// Counts the API keys: an answer for an old one says nothing of the new one.
    var keyNumber: Int
    /// What the row was suspected of when it was sent.
    var suspicion: Suspicion?

    /// What else is learned from the answer.
    enum Purpose: Sendable, Hashable {
        case settle
        /// Whether the hold may end.
        case endHold
        /// Whether the circuit may close.
        case closeCircuit
        /// Whether other rows get 403 as well.
        case settleDoubt
        /// Whether the host is back.
        case reachHost
    }
}

/// Why a row that is due is left alone for now.
struct Suspicion: Sendable, Hashable {
    var reason: Reason
    /// How often, one after the other.
    var strikes = 1
    var failedAt: Moment
    /// It goes before only as a probe.
    var notBefore: Moment
    /// Others were answered well since it failed: it is the row's own fault.
    var isProven = false

    enum Reason: Sendable, Hashable {
        /// 403.
        case forbidden
        /// It failed while the circuit was open.
        case circuit
        /// The business was held for it.
        case hold
        /// It failed, and the database does not even take that.
        case unwritten
    }

    /// How long a row waits that is itself at fault.
    static let waits = Backoff(base: .seconds(60), max: .seconds(3600))
}

/// All rows that the machine knows of, each with its place, and the order of those that are due.
struct RowTable: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        var row: DueRow
        var place: RowPlace
    }

    var entries: [Int64: Entry] = [:]
    /// Ids of rows whose place is `fresh`, in the order in which they are to be sent.
    private(set) var fresh: ArraySlice<Int64> = []
    /// The same for `again`.
    private(set) var again: ArraySlice<Int64> = []
    private(set) var inFlight = 0
    private(set) var writing = 0
    /// Of ``writing``, those that the database refused before.
    private(set) var rewriting = 0
    private(set) var unwritten = 0
    private(set) var suspects = 0
    private(set) var suspectsOfKind = PerKind(0)
    /// When the first suspect of each type need not be left alone any more.
    var releases = PerKind<Moment?>(nil)
    private var flightIDs: [Int64] = []

    /// More suspects than this are never kept: the oldest are forgotten.
    static let suspectLimit = 1000

    subscript(id: Int64) -> Entry? { entries[id] }

    /// Rows that a read of due rows may find although there is nothing to do about them.
    var known: Int { inFlight + writing + unwritten + suspects }

    /// Sets a row's place, wherever it was before.
    mutating func put(_ row: DueRow, _ place: RowPlace) {
        let old = entries.updateValue(Entry(row: row, place: place), forKey: row.id)
        count(old, -1)
        leaveOrder(row.id, old?.place)
        count(Entry(row: row, place: place), 1)
        switch place {
        case .fresh: fresh.append(row.id)
        case .again: again.append(row.id)
        case .suspect where suspects > Self.suspectLimit: forgetOldestSuspect(but: row.id)
        default: break
        }
    }

    mutating func remove(_ id: Int64) {
        let old = entries.removeValue(forKey: id)
        count(old, -1)
        leaveOrder(id, old?.place)
    }

    /// Forgets which rows are due: a read tells anew.
    mutating func forgetDue() {
        for id in fresh { entries[id] = nil }
        for id in again { entries[id] = nil }
        fresh = []
        again = []
    }

    private mutating func leaveOrder(_ id: Int64, _ place: RowPlace?) {
        switch place {
        case .fresh: if fresh.first == id { fresh.removeFirst() } else { fresh.removeAll { $0 == id } }
        case .again: if again.first == id { again.removeFirst() } else { again.removeAll { $0 == id } }
        default: break
        }
    }

    private mutating func count(_ entry: Entry?, _ step: Int) {
        switch entry?.place {
        case .inFlight:
            inFlight += step
            if let id = entry?.row.id { if step > 0 { flightIDs.append(id) } else { flightIDs.removeAll { $0 == id } } }
        case .writing(_, let refusals, _):
            writing += step
            if refusals > 0 { rewriting += step }
        case .unwritten: unwritten += step
        case .suspect(let suspicion):
            suspects += step
            if let kind = entry?.row.kind { count(suspicion, of: kind, step) }
        case .fresh, .again, nil: break
        }
    }

    private mutating func count(_ suspicion: Suspicion, of kind: ChatContext.Kind, _ step: Int) {
        suspectsOfKind[kind] += step
        if step > 0 {
            releases[kind] = min(releases[kind] ?? suspicion.notBefore, suspicion.notBefore)
        } else if releases[kind] == suspicion.notBefore {
            releases[kind] = suspicions.lazy.filter { $0.row.kind == kind }.map(\.suspicion.notBefore).min()
        }
    }

    private mutating func forgetOldestSuspect(but id: Int64) {
        let oldest = suspicions.filter { $0.row.id != id }.min { $0.suspicion.failedAt < $1.suspicion.failedAt }
        if let oldest { remove(oldest.row.id) }
    }

    /// All suspects, in no order.
    var suspicions: [(row: DueRow, suspicion: Suspicion)] {
        entries.values.compactMap { entry in
            if case .suspect(let suspicion) = entry.place { (entry.row, suspicion) } else { nil }
        }
    }

    /// When the first suspect of this type, or of any, need not be left alone any more.
    func nextRelease(of contextType: String?) -> Moment? {
        guard suspects > 0 else { return nil }
        return ChatContext.Kind.allCases.filter { contextType == nil || $0.rawValue == contextType }
            .compactMap { releases[$0] }.min()
    }

    /// All results that the database refused, in no order.
    var refused: [(row: DueRow, result: RowResult, refusals: Int, nextTry: Moment, suspicion: Suspicion?)] {
        entries.values.compactMap { entry in
            if case .unwritten(let result, let refusals, let nextTry, let suspicion) = entry.place {
                (entry.row, result, refusals, nextTry, suspicion)
            } else {
                nil
            }
        }
    }

    /// All requests on their way, in the order in which they were sent.
    var flights: [(row: DueRow, flight: Flight)] {
        flightIDs.compactMap { id in
            guard let entry = entries[id], case .inFlight(let flight) = entry.place else { return nil }
            return (entry.row, flight)
        }
    }
}

extension DueRow {
    /// `nil` for a type that no Market of ours knows.
    var kind: ChatContext.Kind? { ChatContext.Kind(rawValue: contextType) }
}
