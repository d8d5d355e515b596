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

extension DueRow {
    /// `nil` for a type that no Market of ours knows.
    var kind: ChatContext.Kind? { ChatContext.Kind(rawValue: contextType) }
}
