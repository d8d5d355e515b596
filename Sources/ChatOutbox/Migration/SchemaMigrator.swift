import LibPQ

/// Creates or upgrades the schema `market_chat`: all of it in one transaction, one migrator at a time.
public struct SchemaMigrator: Sendable {
    /// Two migrators at once wait for each other by this advisory lock.
    private static let lockKey: Int64 = 7_020_250_900
    private static let connectTimeout = Duration.seconds(10)
    /// A migration may have to wait for another one, or rewrite a large table.
    private static let longestStatement = Duration.seconds(3600)
    private static let longestLockWait = "10min"

    private let connectionString: String

    /// - Parameter connectionString: libpq's; of a role that may create the schema, or owns it.
    public init(connectionString: String) {
        self.connectionString = connectionString
    }

    /// What was done.
    public struct Report: Sendable, Equatable {
        /// 0: there was no schema.
        public var before: Int
        public var after: Int
    }

    /// Brings the schema to ``OutboxSchema/version``. Safe to repeat, and to run from two machines at once.
    ///
    /// - Throws: ``MigrationError``; nothing is changed then.
    public func migrate() async throws(MigrationError) -> Report {
        do {
            let connection = try await PostgresConnection.connect(
                .forOutbox(
                    connectionString, connectTimeout: Self.connectTimeout, queryTimeout: Self.longestStatement))
            let result: Result<Report, PostgresError>
            do {
                result = .success(try await migrate(connection))
            } catch {
                result = .failure(error)
            }
            await connection.close()
            let report = try result.get()
            if report.before > report.after, let flaw = OutboxSchema.flaw(found: report.before) {
                throw MigrationError.unusable(flaw)
            }
            return report
        } catch let error as PostgresError {
            throw MigrationError(error)
        } catch let error as MigrationError {
            throw error
        } catch {
            throw .unavailable("\(error)")
        }
    }

    private func migrate(_ connection: PostgresConnection) async throws(PostgresError) -> Report {
        // Who waits for the lock has to see what was committed meanwhile; and neither the role's nor the database's own
        // settings may end the wait, or the migration, before its time.
        _ = try await connection.query(PostgresStatement("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"))
        _ = try await connection.query(
            PostgresStatement(
                "SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', '0', true)",
                [.text(Self.longestLockWait)]))
        _ = try await connection.query(PostgresStatement("SELECT pg_advisory_xact_lock($1)", [.int64(Self.lockKey)]))
        let before = try await version(connection)
        if before == 0 { try await connection.execute(script: SQLText.migrationSchema) }
        for migration in OutboxSchema.migrations where migration.version > before {
            try await connection.execute(script: migration.script)
            _ = try await connection.query(
                PostgresStatement(
                    "INSERT INTO market_chat.migration (version, name) VALUES ($1, $2)",
                    [.int32(Int32(migration.version)), .text(migration.name)]))
        }
        _ = try await connection.query(PostgresStatement("COMMIT"))
        return Report(before: before, after: OutboxSchema.version)
    }

    private func version(_ connection: PostgresConnection) async throws(PostgresError) -> Int {
        let known = PostgresStatement(
            """
            SELECT EXISTS (
                SELECT FROM pg_class
                WHERE relname = 'migration' AND relnamespace = to_regnamespace('market_chat')
            ) AS is_known
            """)
        guard try await connection.query(known)[0].decode("is_known", as: Bool.self) else { return 0 }
        return try await connection.query(PostgresStatement(SQLText.schemaVersion))[0].decode("version")
    }
}

/// Why the schema could not be migrated. Each text names cause and cure.
public enum MigrationError: Error, Sendable, Equatable {
    /// The database is away: another try may succeed.
    case unavailable(String)
    /// Waiting does not help.
    case unusable(String)
    /// The role may not do it.
    case notPermitted(String)

    init(_ error: PostgresError) {
        if error.sqlState == .insufficientPrivilege {
            self = .notPermitted(
                "\(error.message): run migrate as a role that owns the schema market_chat, or may create it"
                    + " (GRANT CREATE ON DATABASE)")
            return
        }
        switch OutboxError(error) {
        case .unavailable(let text), .failed(let text): self = .unavailable(text)
        case .unusable(let text): self = .unusable(text)
        }
    }
}
