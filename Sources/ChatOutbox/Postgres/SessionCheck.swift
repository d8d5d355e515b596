import LibPQ

/// Makes a new connection fit to be a session, and refuses one that cannot be.
struct SessionCheck {
    /// The oldest server that has `idle_session_timeout`.
    static let oldestServer = 140_000
    /// What producers' triggers notify.
    static let channel = "market_chat_wake"

    var configuration: PostgresOutbox.Configuration
    var server: PostgresConfiguration

    func prepare(_ connection: PostgresConnection) async throws(OutboxError) -> Facts {
        guard connection.serverVersion == 0 || connection.serverVersion >= Self.oldestServer else {
            throw .unusable(
                "the server is PostgreSQL \(connection.serverVersion / 10_000), and market-chatd needs 14 or newer:"
                    + " upgrade the server")
        }
        let facts = try await OutboxError.catching { () async throws(PostgresError) in
            let settings = PostgresOutbox.settings(
                configuration, statementTimeout: PostgresOutbox.statementTimeout)
            let wanted = PostgresStatement(SQLText.sessionFacts, [.bool(configuration.deletesSettledRows)])
            return try Facts(try await connection.pipeline([settings, wanted])[1][0])
        }
        if let problem = facts.problem { throw problem }
        if facts.backendPID != connection.backendPID {
            try await refuseTransactionPooler(connection, backendPID: facts.backendPID)
        }
        let schema = try await OutboxError.catching { () async throws(PostgresError) in
            try await SchemaVersion.read(from: connection)
        }
        if let flaw = OutboxSchema.flaw(of: schema) { throw .unusable(flaw) }
        _ = try await OutboxError.catching { () async throws(PostgresError) in
            try await connection.pipeline([
                PostgresStatement("LISTEN \(Self.channel)"),
                PostgresStatement("SELECT pg_advisory_lock(market_chat.alive_key(pg_backend_pid()))"),
            ])
        }
        await noticeOurDeath(connection)
        return facts
    }

    /// A statement that runs while we die would go on to its end, and hold our locks until then. Not every platform has
    /// this setting, and without it nothing else is wrong.
    private func noticeOurDeath(_ connection: PostgresConnection) async {
        _ = try? await connection.query(
            PostgresStatement("SELECT set_config('client_connection_check_interval', '500', false)"))
    }

    /// The server's process is not the one that libpq was told of, so something stands in between.
    ///
    /// A pooler in session mode keeps one process for us. One in transaction mode gives ours to another client as soon
    /// as we are idle: while a second connection holds a transaction open, we get another process.
    private func refuseTransactionPooler(
        _ connection: PostgresConnection, backendPID: Int32
    ) async throws(OutboxError) {
        let other = try await OutboxError.catching { () async throws(PostgresError) in
            try await PostgresConnection.connect(server)
        }
        var seen: Set<Int32> = [backendPID]
        do throws(PostgresError) {
            _ = try await other.query(PostgresStatement("BEGIN"))
            _ = try await other.query(PostgresStatement("SELECT 1"))
            for _ in 0..<3 {
                let pid = PostgresStatement("SELECT pg_backend_pid() AS backend_pid")
                seen.insert(try await connection.query(pid)[0].decode("backend_pid"))
            }
            _ = try await other.query(PostgresStatement("ROLLBACK"))
            await other.close()
        } catch {
            await other.close()
            throw OutboxError(error)
        }
        if seen.count > 1 { throw .transactionPooler }
    }

    /// What ``SQLText/sessionFacts`` tells.
    struct Facts {
        var backendPID: Int32
        var isReadOnly: Bool
        var roleName: String
        var databaseName: String
        var hasSchema: Bool
        var mayUseSchema: Bool
        var missingPrivileges: String
        /// Whether a user has triggers that fire in the commit.
        var hasDeferredTriggers: Bool

        init(_ row: PostgresRow) throws(PostgresError) {
            backendPID = try row.decode("backend_pid")
            isReadOnly = try row.decode("is_read_only")
            roleName = try row.decode("role_name")
            databaseName = try row.decode("database_name")
            hasSchema = try row.decode("has_schema")
            mayUseSchema = try row.decode("may_use_schema")
            missingPrivileges = try row.decode("missing_privileges")
            hasDeferredTriggers = try row.decode("has_deferred_triggers")
        }

        var problem: OutboxError? {
            // A standby may be behind with the schema, too.
            if isReadOnly { return .unavailable("the server is read-only: a standby, or one that became one") }
            if !hasSchema {
                return .unusable(
                    "there is no schema market_chat in the database \(databaseName): run 'market-chatd migrate', as a"
                        + " role that may create it")
            }
            if !mayUseSchema {
                return .unusable(
                    "the role \(roleName) may not use the schema market_chat: grant it what Config/roles.sql gives to the"
                        + " daemon's role")
            }
            if !missingPrivileges.isEmpty {
                return .unusable(
                    "the role \(roleName) lacks the privileges \(missingPrivileges): grant them as Config/roles.sql does"
                )
            }
            return nil
        }
    }
}

extension OutboxError {
    static let transactionPooler = OutboxError.unusable(
        "a connection pooler in transaction mode stands before the server, and market-chatd needs a session of its own:"
            + " point DATABASE_URL at the server itself, or at a pool in session mode")
}
