import LibPQ

/// The outbox in a seller's PostgreSQL, version 14 or newer.
public final class PostgresOutbox: Outbox {
    /// The server gives a statement up after this: a user's trigger may hang.
    static let statementTimeout = Duration.seconds(5)
    /// The server gives up waiting for a lock after this: somebody may hold a row for long.
    static let lockTimeout = Duration.seconds(1)
    /// More than the server's own limit for the three statements of a settlement. When it passes, the connection is lost.
    static let answerTimeout = Duration.seconds(20)
    /// A statement that waits holds a snapshot, which keeps dead rows from being swept; so no wait is longer.
    static let longestWait = Duration.seconds(30)

    let configuration: Configuration
    /// One for all connections, which remember together which host is the good one.
    private let server: PostgresConfiguration
    /// For those who wait until producers have committed.
    private let producerWatchers: SideConnections
    /// For those who wait for owners, and for what is asked now and then.
    private let ownerWatchers: SideConnections
    /// For results that a session could not write at once.
    private let writers: SideConnections
    /// Owners that are waited for at a time; one connection more is kept free.
    private static let ownersWatched = 3

    /// What the outbox is told. Ranges are the caller's to check.
    public struct Configuration: Sendable {
        /// Any libpq connection string, several hosts included; empty for libpq's own `PG*` variables.
        public var connectionString: String
        /// The engine's poll, which is the session's heartbeat.
        public var pollInterval: Duration
        /// Whether settled rows are to be deleted, so that the privilege for it is checked.
        public var deletesSettledRows: Bool

        public init(connectionString: String, pollInterval: Duration, deletesSettledRows: Bool = false) {
            self.connectionString = connectionString
            self.pollInterval = pollInterval
            self.deletesSettledRows = deletesSettledRows
        }
    }

    public init(_ configuration: Configuration) {
        self.configuration = configuration
        let server = PostgresConfiguration.forOutbox(
            configuration.connectionString, queryTimeout: Self.answerTimeout)
        self.server = server
        func connections(_ limit: Int, statementTimeout: Duration) -> SideConnections {
            // The server ends it after three heartbeats or two seconds, and notes that as an error.
            let idleLimit = min(max(configuration.pollInterval, .seconds(1)), .seconds(60))
            return SideConnections(limit: limit, idleLimit: idleLimit) { () async throws(PostgresError) in
                let connection = try await PostgresConnection.connect(server)
                _ = try await connection.query(Self.settings(configuration, statementTimeout: statementTimeout))
                return connection
            }
        }
        // A wait's own limit ends it sooner.
        producerWatchers = connections(8, statementTimeout: Self.longestWait * 2)
        ownerWatchers = connections(Self.ownersWatched + 1, statementTimeout: Self.longestWait * 2)
        writers = connections(3, statementTimeout: Self.statementTimeout)
    }

    /// Ends the connections beside the sessions. Sessions are closed by whoever opened them.
    public func close() async {
        await producerWatchers.close()
        await ownerWatchers.close()
        await writers.close()
    }

    public func openSession() async throws(OutboxError) -> any OutboxSession {
        let connection = try await OutboxError.catching { () async throws(PostgresError) in
            try await PostgresConnection.connect(server)
        }
        do {
            let facts = try await SessionSetup(configuration: configuration, server: server).prepare(connection)
            let session = PostgresSession(connection: connection, facts: facts, writers: writers)
            try await session.warmUp()
            return session
        } catch {
            await connection.close()
            throw error
        }
    }

    static func settings(_ configuration: Configuration, statementTimeout: Duration) -> PostgresStatement {
        PostgresStatement(
            SQLText.sessionSettings,
            [
                .int64(configuration.pollInterval.wholeMilliseconds), .int64(statementTimeout.wholeMilliseconds),
                .int64(lockTimeout.wholeMilliseconds),
            ])
    }
}

// Waiting for others, by locks of PostgreSQL's.
extension PostgresOutbox {
    public func waitForVacancy(
        among businessIDs: [Int64], atMost limit: Duration
    ) async throws(OutboxError) -> [StrangeOwner] {
        let rows = try await ownerWatchers.run(
            PostgresStatement(SQLText.owners, [.int64Array(businessIDs)]))
        let owners = try OutboxError.decoding { () throws(PostgresError) in
            try rows.map { row throws(PostgresError) in
                (session: try StrangeOwner(row), isStrange: try row.decode("is_stranger", as: Bool.self))
            }
        }
        let strangers = owners.filter(\.isStrange).compactMap(\.session)
        let ours = Set(owners.filter { !$0.isStrange }.compactMap(\.session?.processID))
        guard owners.allSatisfy({ $0.session != nil }), !ours.isEmpty else { return strangers }
        let distinct = ours.sorted().prefix(Self.ownersWatched)
        let limit = min(limit, Self.longestWait)
        let result = await withTaskGroup(of: Result<Void, OutboxError>.self) { group in
            for process in distinct {
                group.addTask { await self.waitForEnd(of: process, atMost: limit) }
            }
            defer { group.cancelAll() }
            return await group.next() ?? .success(())
        }
        try result.get()
        return strangers
    }

    private func waitForEnd(of process: Int32, atMost limit: Duration) async -> Result<Void, OutboxError> {
        do throws(OutboxError) {
            try await ownerWatchers.wait(by: SQLText.waitForOwnersEnd, for: Int64(process), atMost: limit)
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    public func waitForProducers(of businessID: Int64, atMost limit: Duration) async throws(OutboxError) {
        let rows = try await ownerWatchers.run(PostgresStatement(SQLText.asleepKey, [.int64(businessID)]))
        let key = try OutboxError.decoding { () throws(PostgresError) in try rows[0].decode("key", as: Int64.self) }
        let result: Result<Void, OutboxError>
        do throws(OutboxError) {
            try await producerWatchers.wait(
                by: SQLText.waitForProducers, for: key, atMost: min(limit, Self.longestWait))
            result = .success(())
        } catch {
            result = .failure(error)
        }
        // Meanwhile producers notified, so another session may have taken us for a sleeper that covers it.
        _ = try? await ownerWatchers.run(
            PostgresStatement(SQLText.tellInterested, [.int64Array([key]), .bool(false)]))
        try result.get()
    }
}

// Retention.
extension PostgresOutbox {
    /// Deletes rows that were settled long ago, a small batch in each transaction.
    ///
    /// - Parameters:
    ///   - age: since they were settled.
    ///   - walk: where the step before ended; at first a new one.
    ///   - limit: at most so many rows are looked at, 1 or more.
    /// - Returns: where this step ended.
    public func deleteSettled(
        olderThan age: Duration, _ walk: RetentionWalk, limit: Int
    ) async throws(OutboxError) -> RetentionWalk {
        let statement = PostgresStatement(
            SQLText.deleteSettled,
            [.int64(age.wholeMicroseconds), .int32(Int32(clamping: limit)), .int64(walk.lastID)])
        let rows = try await ownerWatchers.run(statement)
        return try await OutboxError.catching { () async throws(PostgresError) in
            RetentionWalk(
                lastID: try rows[0].decode("last_id"), deleted: Int(try rows[0].decode("deleted", as: Int64.self)),
                isOver: try rows[0].decode("is_end"))
        }
    }
}

// Rows that nobody of us serves.
extension PostgresOutbox {
    /// Rows of a business that are counted at most.
    private static let unlistedRowsCounted: Int64 = 10_000

    /// Businesses with pending rows that nobody serves.
    ///
    /// - Parameters:
    ///   - businessIDs: those that this instance serves, owned or not. Those that another one owns are left out too.
    ///   - limit: businesses at most.
    public func unlistedBusinesses(
        besides businessIDs: [Int64], atMost limit: Int = 1000
    ) async throws(OutboxError) -> [UnlistedBusiness] {
        let rows = try await ownerWatchers.run(
            PostgresStatement(
                SQLText.operatorUnlisted,
                [.int64Array(businessIDs), .int64(Int64(limit)), .int64(Self.unlistedRowsCounted)]))
        return try OutboxError.decoding { () throws(PostgresError) in
            try rows.map { row throws(PostgresError) in
                UnlistedBusiness(businessID: try row.decode("business_id"), rows: try row.decode("rows"))
            }
        }
    }
}

extension StrangeOwner {
    /// `nil` where nobody is the owner.
    init?(_ row: PostgresRow) throws(PostgresError) {
        guard let processID = try row.decode("pid", as: Int32?.self) else { return nil }
        self.init(
            businessID: try row.decode("business_id"), processID: processID, roleName: try row.decode("role_name"),
            applicationName: try row.decode("application_name"))
    }
}
