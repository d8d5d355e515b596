/// Where rows come from and where results go: the door to `market_chat` in the seller's database.
///
/// The engine knows the database by this protocol and ``OutboxSession`` alone, so that it also runs against a simulated
/// one. ``PostgresOutbox`` is the real one.
public protocol Outbox: Sendable {
    /// Opens a session: one connection, checked to be of use (schema, privileges, no transaction pooler).
    ///
    /// - Throws: ``OutboxError``; `.unusable` where waiting does not help, `.unavailable` where it does.
    func openSession() async throws(OutboxError) -> any OutboxSession

    /// Waits until another session that owns one of `businessIDs` ends, or until `limit` has passed.
    ///
    /// The wait is PostgreSQL's own (a lock that the owning session holds), so it ends within milliseconds of the
    /// owner's death. It returns at once where one of them has no owner. It claims nothing.
    func waitForVacancy(among businessIDs: [Int64], atMost limit: Duration) async throws(OutboxError)

    /// Waits until the transactions that have inserted rows of this business and are still open have ended, or until
    /// `limit` has passed. While it waits, new producers see the owner as asleep, and so they notify it.
    func waitForProducers(of businessID: Int64, atMost limit: Duration) async throws(OutboxError)
}

/// One session with the outbox. It owns businesses by session-level locks: when it ends, however it ends, they are free.
///
/// All calls may overlap; they are carried out in the order of the calls. After ``OutboxError/unavailable(_:)`` from any
/// of them the session is of no more use.
public protocol OutboxSession: Sendable {
    /// What the database tells by itself. It finishes when the session is lost or closed.
    var signals: any AsyncSequence<OutboxSignal, Never> & Sendable { get }

    /// Tries to become the owner of each of `businessIDs`, and returns the records of those that this call made ours.
    /// Those that another session owns are left out. Creates a missing record.
    func claim(_ businessIDs: [Int64]) async throws(OutboxError) -> [BusinessRecord]

    /// Reads due rows of one business: higher priority first, then the earlier `due_at`, then the smaller id.
    ///
    /// - Parameters:
    ///   - limit: at most so many rows, 1 or more.
    ///   - watermark: of a read shortly before; spares walking over the dead index entries of settled rows. `nil` reads
    ///     from the beginning. Rows that commit late may lie before a watermark, so read without it every few seconds.
    func readDue(of businessID: Int64, limit: Int, after watermark: Watermark?) async throws(OutboxError) -> DueRows

    /// Tells producers that they have to notify the owner from now on, then reads due rows once more.
    ///
    /// - Returns: the rows that are due (the caller then calls ``wakeUp(_:)`` unless there are none), and whether the
    ///   business is asleep. It is not asleep while a producer's transaction is open: see
    ///   ``Outbox/waitForProducers(of:atMost:)``.
    func fallAsleep(_ businessID: Int64, limit: Int) async throws(OutboxError) -> (rows: DueRows, isAsleep: Bool)

    /// Tells producers that they need not notify the owner: it is awake and will look by itself.
    func wakeUp(_ businessID: Int64) async throws(OutboxError)

    /// Proves that the session lives, and looks at all businesses in one statement: the fallback poll.
    ///
    /// - Parameter businessIDs: those that this session owns.
    /// - Returns: one entry for each of them.
    func poll(_ businessIDs: [Int64]) async throws(OutboxError) -> [BusinessPoll]

    /// Writes results, all in one transaction, and what is known about businesses with them.
    ///
    /// Where a user's trigger (or a lock that is held for long) makes the transaction fail, each row is written by
    /// itself, so that one row's failure holds back that row alone.
    ///
    /// - Returns: one outcome for each result, in the same order.
    func settle(
        _ results: [RowResult], remembering records: [BusinessRecord]
    ) async throws(OutboxError) -> [RowOutcome]

    /// Ends the session and frees what it owns. Safe to call twice.
    func close() async
}

/// What the database tells by itself.
public enum OutboxSignal: Sendable, Equatable {
    /// A producer committed a row of this business while its owner was asleep, or an operator changed something.
    case changed(businessID: Int64)
}

/// Why the outbox could not be used.
public enum OutboxError: Error, Sendable, Equatable {
    /// It is away, or the session broke: worth another try on a new session. The text is for the operator.
    case unavailable(String)
    /// It answers, but waiting does not help: a wrong schema, missing privileges, a transaction pooler, a wrong
    /// password. The text names the cause and the cure.
    case unusable(String)

    /// For the operator, in either case.
    public var text: String {
        switch self {
        case .unavailable(let text), .unusable(let text): text
        }
    }
}
