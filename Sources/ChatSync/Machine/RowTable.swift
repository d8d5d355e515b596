import ChatOutbox
import MarketAPI

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
