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
    ///
    /// - Returns: who holds ownership without being an instance of ours; their ends are not waited for.
    func waitForVacancy(
        among businessIDs: [Int64], atMost limit: Duration
    ) async throws(OutboxError) -> [StrangeOwner]

    /// Waits until the transactions that have inserted rows of this business and are still open have ended, or until
    /// `limit` has passed. While it waits, new producers see the owner as asleep, and so they notify it.
    func waitForProducers(of businessID: Int64, atMost limit: Duration) async throws(OutboxError)
}

/// One session with the outbox. It owns businesses by session-level locks: when it ends, however it ends, they are free.
///
/// All calls may overlap; they are carried out in the order of the calls. After ``OutboxError/unavailable(_:)`` from any
/// of them the session is of no more use. ``OutboxError/failed(_:)`` is about that one statement: the session, and all
/// that it owns, goes on.
public protocol OutboxSession: Sendable {
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

/// Whether producers notify the owner from now on.
public enum Sleep: Sendable, Hashable {
    /// They do.
    case asleep
    /// They do for now, since another session sleeps on the same key. ``OutboxSignal/coverEnded(businessID:)`` or
    /// ``BusinessPoll/coverHasEnded`` tells when it does no more: then ask again.
    case covered
    /// Not those whose transactions are open: see ``Outbox/waitForProducers(of:atMost:)``.
    case producersAreOpen
}

/// A session that holds the lock of a business's owner and is no market-chatd: anybody who may connect can take it.
public struct StrangeOwner: Sendable, Hashable {
    public var businessID: Int64
    /// The process of the server, for `pg_terminate_backend`.
    public var processID: Int32
    public var roleName: String
    public var applicationName: String

    public init(businessID: Int64, processID: Int32, roleName: String, applicationName: String) {
        self.businessID = businessID
        self.processID = processID
        self.roleName = roleName
        self.applicationName = applicationName
    }
}

/// What the database tells by itself.
public enum OutboxSignal: Sendable, Equatable {
    /// A producer committed a row of this business while its owner was asleep, or an operator changed something.
    case changed(businessID: Int64)
    /// The other session whose sleep made producers of this business notify is awake: see ``Sleep/covered``.
    case coverEnded(businessID: Int64)
    /// A person wants whatever the business is held for to be tried at once.
    case holdEnded(businessID: Int64)
}

/// Why the outbox could not be used.
public enum OutboxError: Error, Sendable, Equatable {
    /// It is away, or the session broke: worth another try on a new session. The text is for the operator.
    case unavailable(String)
    /// It answers, but waiting does not help: a wrong schema, a transaction pooler, a wrong password. The text names the cause and the cure.
    case unusable(String)
    /// The role may not do what it has to. The text has the GRANT that mends it.
    case notPermitted(String)
    /// This statement failed, of a lock or a time-out for instance, and the session goes on: worth another try on it.
    case failed(String)

    /// Whether waiting alone does not help.
    public var needsPerson: Bool {
        switch self {
        case .unusable, .notPermitted: true
        case .unavailable, .failed: false
        }
    }

    /// For the operator, in each case.
    public var text: String {
        switch self {
        case .unavailable(let text), .unusable(let text), .notPermitted(let text), .failed(let text): text
        }
    }
}
