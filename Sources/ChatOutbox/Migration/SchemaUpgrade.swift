import LibPQ

/// Carries out the steps of a migration, on one connection, so that producers hardly notice.
struct SchemaUpgrade {
    let connection: PostgresConnection
    let progress: @Sendable (String) -> Void
    let clock: any Clock<Duration>

    /// How long a step waits for the lock of a table. As long all producers may wait behind it.
    private static let lockWait = "50ms"
    /// Between two tries.
    private static let pauses = (first: Duration.milliseconds(200), longest: Duration.seconds(5))
    /// All tries of a step together, and the wait for another migrator.
    private static let patience = Duration.seconds(600)
    /// Rows of one part of a walk.
    private static let part: Int32 = 500

    func run<Answer: Sendable>(
        _ body: () async throws(PostgresError) -> Answer
    ) async throws(MigrationError) -> Answer {
        do {
            return try await body()
        } catch {
            throw MigrationError(error)
        }
    }

    /// Makes the session independent of the role's and the database's own settings, and waits for other migrators.
    ///
    /// The lock is tried, not waited for: a statement that waits has a snapshot, and whoever builds an index waits for all
    /// snapshots that are older.
    func prepare(lockKey: Int64) async throws(MigrationError) {
        try await run { () async throws(PostgresError) in
            _ = try await connection.query(
                PostgresStatement(
                    """
                    SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false),
                        set_config('idle_session_timeout', '0', false),
                        set_config('default_transaction_isolation', 'read committed', false),
                        set_config('default_transaction_read_only', 'off', false)
                    """))
        }
        let hasTime = patience(on: clock)
        var hasTold = false
        while true {
            let isLocked = try await run { () async throws(PostgresError) in
                try await connection.query(
                    PostgresStatement("SELECT pg_try_advisory_lock($1) AS is_locked", [.int64(lockKey)]))[0]
                    .decode("is_locked", as: Bool.self)
            }
            if isLocked { return }
            guard hasTime() else {
                throw .unavailable("another 'market-chatd migrate' has been at work for \(Self.patience)")
            }
            if !hasTold { progress("waiting for another 'market-chatd migrate'") }
            hasTold = true
            try await pause(.milliseconds(100))
        }
    }

    /// - Parameters:
    ///   - step: what is to be done.
    ///   - isFirstOfAll: whether there is no schema yet.
    func carryOut(_ step: MigrationStep, isFirstOfAll: Bool) async throws(MigrationError) {
        switch step {
        case .transaction(let script, let table):
            let scripts = isFirstOfAll ? [SQLText.migrationSchema, script, SQLText.migrationFirst] : [script]
            try await carryOut(scripts, locking: table)
        case .alone(let statement):
            try await run { () async throws(PostgresError) in
                try await connection.execute(script: statement)
            }
        case .walk(let statement): try await walk(statement)
        }
    }

    private func carryOut(_ scripts: [String], locking table: String?) async throws(MigrationError) {
        let hasTime = patience(on: clock)
        var wait = Self.pauses.first
        while true {
            do throws(PostgresError) {
                try await transaction(scripts, isLocking: table != nil)
                return
            } catch {
                guard error.sqlState == .lockNotAvailable || error.sqlState == .deadlockDetected, let table,
                    hasTime()
                else { throw MigrationError(error) }
                let holder = await holder(of: table)
                progress("waiting for \(table)\(holder)")
                try await pause(wait)
                wait = min(wait * 2, Self.pauses.longest)
            }
        }
    }

    private func transaction(_ scripts: [String], isLocking: Bool) async throws(PostgresError) {
        _ = try await connection.query(PostgresStatement("BEGIN"))
        do throws(PostgresError) {
            if isLocking {
                _ = try await connection.query(
                    PostgresStatement("SELECT set_config('lock_timeout', $1, true)", [.text(Self.lockWait)]))
            }
            for script in scripts { try await connection.execute(script: script) }
            _ = try await connection.query(PostgresStatement("COMMIT"))
        } catch {
            _ = try? await connection.query(PostgresStatement("ROLLBACK"))
            throw error
        }
    }

    /// Who holds a table, for people; empty where it is not known.
    private func holder(of table: String) async -> String {
        let statement = PostgresStatement(SQLText.lockHolders, [.text(table)])
        guard let row = try? await connection.query(statement).first,
            let pid = try? row.decode("pid", as: Int32.self), let user = try? row.decode("user_name", as: String.self),
            let application = try? row.decode("application", as: String.self),
            let seconds = try? row.decode("seconds", as: Int64.self)
        else { return "" }
        return
            ", which a transaction holds: pid \(pid), role \(user), \(application.debugDescription), \(seconds) s old"
    }

    private func walk(_ statement: String) async throws(MigrationError) {
        var last: Int64 = 0
        var deleted: Int64 = 0
        while true {
            let statement = PostgresStatement(statement, [.int64(last), .int32(Self.part)])
            let isOver = try await run { () async throws(PostgresError) in
                guard let row = try await connection.query(statement).first else { return true }
                deleted += try row.decode("deleted", as: Int64.self)
                last = try row.decode("last_outbox_id", as: Int64.self)
                return false
            }
            if isOver { break }
        }
        if deleted > 0 { progress("\(deleted) old exchanges forgotten, of which each row keeps the last 50") }
    }

    /// Whether there is any patience left since now.
    private func patience<Base: Clock<Duration>>(on clock: Base) -> () -> Bool {
        let end = clock.now.advanced(by: Self.patience)
        return { clock.now < end }
    }

    private func pause(_ time: Duration) async throws(MigrationError) {
        do {
            try await clock.sleep(for: time)
        } catch {
            throw .unavailable("stopped while it waited; run it again")
        }
    }
}
