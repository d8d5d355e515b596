/// One session with the outbox. It owns businesses by session-level locks: when it ends, however it ends, they are free.
///
/// All calls may overlap; they are carried out in the order of the calls. After ``OutboxError/unavailable(_:)`` from any
/// of them the session is of no more use. ``OutboxError/failed(_:)`` is about that one statement: the session, and all
/// that it owns, goes on.
public protocol OutboxSession: Sendable {
    /// For people: `role@host/database`.
    var place: String { get }

    /// What the database tells by itself. It finishes when the session is lost or closed.
    var signals: any AsyncSequence<OutboxSignal, Never> & Sendable { get }

    /// Tries to become the owner of each of `businessIDs`, and returns the records of those that this call made ours.
    /// Those that another session owns are left out. Creates a missing record.
    func claim(_ businessIDs: [Int64]) async throws(OutboxError) -> [BusinessRecord]

    /// Reads due rows of one business: higher priority first, then the earlier `due_at`, then the smaller id.
    ///
    /// - Parameters:
    ///   - businessID: the cabinet.
    ///   - read: which of them.
    func readDue(of businessID: Int64, _ read: DueRead) async throws(OutboxError) -> DueRows

    /// Draws due rows from all parts of what is due: the first ones, the last ones, and some between, of both types, in
    /// an order that takes from each part in turn.
    ///
    /// - Parameters:
    ///   - businessID: the cabinet.
    ///   - contextType: only rows of this type; `nil`: of both.
    ///   - excluded: ids of rows that are not wanted.
    ///   - limit: at most so many rows, 1 or more.
    func sampleDue(
        of businessID: Int64, contextType: String?, excluding excluded: [Int64], limit: Int
    ) async throws(OutboxError) -> [DueRow]

    /// Tells producers that they have to notify the owner from now on, then reads due rows once more, from the beginning.
    func fallAsleep(_ businessID: Int64, _ read: DueRead) async throws(OutboxError) -> (rows: DueRows, sleep: Sleep)

    /// Tells producers that they need not notify the owner: it is awake and will look by itself.
    func wakeUp(_ businessID: Int64) async throws(OutboxError)

    /// Proves that the session lives, and looks at all businesses in one statement: the fallback poll.
    ///
    /// - Parameter businessIDs: those that this session owns.
    /// - Returns: one entry for each of them.
    func poll(_ businessIDs: [Int64]) async throws(OutboxError) -> [BusinessPoll]

    /// Writes results, all in one transaction, and what is known about businesses with them. It waits for nobody: where
    /// somebody holds a row, or a trigger fails or is slow, the results of that business come back as refused within
    /// some tens of milliseconds, and all others are written.
    ///
    /// - Returns: one outcome for each result, in the same order.
    func settle(
        _ results: [RowResult], remembering records: [BusinessRecord]
    ) async throws(OutboxError) -> [RowOutcome]

    /// Writes results that ``settle(_:remembering:)`` refused, on a connection beside the session's own, each for itself
    /// where they fail together, with more patience for triggers and locks. What is refused even so is noted in
    /// `last_error`, where the database takes at least that.
    ///
    /// It is not fenced by the session, and need not be: a chat, a rejection and a backoff are true whoever writes them,
    /// and each is guarded by the state that it leaves.
    ///
    /// - Returns: one outcome for each result, in the same order.
    func settleApart(_ results: [RowResult]) async throws(OutboxError) -> [RowOutcome]

    /// Ends the session and frees what it owns. Safe to call twice.
    func close() async
}
