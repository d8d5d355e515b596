import LibPQ

/// Creates or upgrades the schema `market_chat`, one migrator at a time, under running daemons and producers.
public struct SchemaMigrator: Sendable {
    /// Two migrators at once wait for each other by this advisory lock. Not the one of programs of version 1, which wait in
    /// a statement, and so with a snapshot that whoever builds an index waits for.
    static let lockKey: Int64 = 7_020_250_906
    private static let connectTimeout = Duration.seconds(10)
    /// An index may have to be built of many rows.
    private static let longestStatement = Duration.seconds(3600)

    private let connectionString: String
    private let progress: @Sendable (String) -> Void
    /// Where it ends.
    private let target: Int
    private let clock: any Clock<Duration>

    /// - Parameters:
    ///   - connectionString: libpq's; of a role that may create the schema, or owns it.
    ///   - progress: told what is being done or waited for, for people.
    public init(connectionString: String, progress: @escaping @Sendable (String) -> Void = { _ in }) {
        self.init(connectionString: connectionString, target: OutboxSchema.version, progress: progress)
    }

    /// - Parameters:
    ///   - connectionString: libpq's.
    ///   - target: an earlier version than the last, for tests of upgrades.
    ///   - clock: for its patience and its pauses.
    ///   - progress: told what is being done or waited for.
    init(
        connectionString: String, target: Int, clock: any Clock<Duration> = ContinuousClock(),
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.connectionString = connectionString
        self.target = target
        self.clock = clock
        self.progress = progress
    }

    /// What was done.
    public struct Report: Sendable, Equatable {
        /// 0: there was no schema.
        public var before: Int
        /// The version that it has now; never less than `before`.
        public var after: Int
        /// Where it was done.
        public var place: DatabasePlace

        public init(before: Int, after: Int, place: DatabasePlace) {
            self.before = before
            self.after = after
            self.place = place
        }
    }

    /// Brings the schema to ``OutboxSchema/version``. Safe to repeat, and to run from two machines at once.
    ///
    /// - Throws: ``MigrationError``. What works with the schema then is what did before; another call goes on.
    public func migrate() async throws(MigrationError) -> Report {
        let connection: PostgresConnection
        do {
            connection = try await PostgresConnection.connect(
                .forOutbox(
                    connectionString, connectTimeout: Self.connectTimeout, queryTimeout: Self.longestStatement))
        } catch {
            throw MigrationError(error)
        }
        let result: Result<Report, MigrationError>
        do throws(MigrationError) {
            let place = try await Self.place(of: connection)
            do throws(MigrationError) {
                result = .success(try await migrate(connection, at: place))
            } catch {
                throw error.at(place)
            }
        } catch {
            result = .failure(error)
        }
        await connection.close()
        return try result.get()
    }

    private static func place(of connection: PostgresConnection) async throws(MigrationError) -> DatabasePlace {
        do {
            return try DatabasePlace(try await connection.query(PostgresStatement(SQLText.sessionPlace))[0])
        } catch {
            throw MigrationError(error)
        }
    }

    private func migrate(
        _ connection: PostgresConnection, at place: DatabasePlace
    ) async throws(MigrationError) -> Report {
        progress("working on \(place), PostgreSQL \(place.serverVersion)")
        let upgrade = SchemaUpgrade(connection: connection, progress: progress, clock: clock)
        try await upgrade.prepare(lockKey: Self.lockKey)
        let before = try await upgrade.run { () async throws(PostgresError) in
            try await SchemaVersion.read(from: connection)
        }
        for migration in OutboxSchema.migrations
        where migration.version > before.version && migration.version <= target {
            for (index, step) in migration.steps.enumerated() {
                // To make a new schema takes no time.
                if before.version > 0 {
                    progress("version \(migration.version): step \(index + 1) of \(migration.steps.count)")
                }
                try await upgrade.carryOut(step, isFirstOfAll: migration.version == 1)
            }
        }
        guard before.version > OutboxSchema.version else {
            return Report(before: before.version, after: max(before.version, target), place: place)
        }
        if let flaw = OutboxSchema.flaw(of: before) { throw .unusable(flaw) }
        return Report(before: before.version, after: before.version, place: place)
    }
}
