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
