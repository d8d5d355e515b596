import LibPQ

/// Makes a new connection fit to be a session, and refuses one that cannot be.
struct SessionSetup {
    /// The oldest server that has `idle_session_timeout`.
    static let oldestServer = 140_000
    /// What producers' triggers notify.
    static let channel = "market_chat_wake"

    var configuration: PostgresOutbox.Configuration
    var server: PostgresConfiguration

    func prepare(_ connection: PostgresConnection) async throws(OutboxError) -> Facts {
        guard connection.serverVersion == 0 || connection.serverVersion >= Self.oldestServer else {
            throw .unusable(
                Diagnosis(
                    "\(connection.place): the server is PostgreSQL \(connection.serverVersion / 10_000), and market-chatd needs 14 or newer",
                    cure: "upgrade the server"))
        }
        let facts = try await OutboxError.catching { () async throws(PostgresError) in
            let settings = PostgresOutbox.settings(
                configuration, statementTimeout: PostgresOutbox.statementTimeout)
            let wanted = PostgresStatement(SQLText.sessionFacts, [.bool(configuration.deletesSettledRows)])
            let answers = try await connection.pipeline([settings, PostgresStatement(SQLText.sessionPlace), wanted])
            return try Facts(at: DatabasePlace(answers[1][0]), answers[2][0])
        }
        if let problem = facts.problem { throw problem }
        try await refuseTransactionPooler(connection, facts)
        let schema = try await OutboxError.catching { () async throws(PostgresError) in
            try await SchemaVersion.read(from: connection)
        }
        if let flaw = OutboxSchema.flaw(of: schema) { throw .unusable(flaw.at(facts.place)) }
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

    /// Refuses a pooler that does not keep one process for us.
    ///
    /// That libpq was told the number of the process that answers proves nothing: a pooler may pass it on, and take another
    /// process for the next statement.
    private func refuseTransactionPooler(
        _ connection: PostgresConnection, _ facts: Facts
    ) async throws(OutboxError) {
        let other = try await OutboxError.catching { () async throws(PostgresError) in
            try await PostgresConnection.connect(server)
        }
        let isKept: Bool
        do throws(PostgresError) {
            isKept = try await keeps(process: facts.backendPID, of: connection, beside: other)
            await other.close()
        } catch {
            await other.close()
            throw OutboxError(error)
        }
        if !isKept { throw .transactionPooler(at: facts.place) }
    }

    /// Whether a connection goes on with its process, whatever another one does.
    ///
    /// Else the process is given away as soon as we are idle. A pooler that takes the one that was used last gives it to
    /// the other connection; one that takes them in turn gives us another one with the next statement; and while the
    /// other one holds a transaction open in our process, we get another one in any case. Nothing here waits for a process,
    /// so that a pool of one is seen through as well.
    private func keeps(
        process: Int32, of connection: PostgresConnection, beside other: PostgresConnection
    ) async throws(PostgresError) -> Bool {
        for _ in 0..<3 {
            guard try await processID(of: connection) == process else { return false }
            guard try await processID(of: other) != process else { return false }
        }
        do throws(PostgresError) {
            _ = try await other.query(PostgresStatement("BEGIN"))
        } catch {
            // PgBouncer in statement mode. A server has no such answer to this.
            if error.sqlState == .protocolViolation { return false }
            throw error
        }
        guard try await processID(of: other) != process, try await processID(of: connection) == process else {
            return false
        }
        _ = try await other.query(PostgresStatement("ROLLBACK"))
        return true
    }

    private func processID(of connection: PostgresConnection) async throws(PostgresError) -> Int32 {
        try await connection.query(PostgresStatement("SELECT pg_backend_pid() AS backend_pid"))[0].decode("backend_pid")
    }

    /// What ``SQLText/sessionPlace`` and ``SQLText/sessionFacts`` tell.
    struct Facts {
        var place: DatabasePlace
        var backendPID: Int32
        var isReadOnly: Bool
        var missingPrivileges: String
        /// Whether a user has triggers that fire in the commit.
        var hasDeferredTriggers: Bool

        init(at place: DatabasePlace, _ row: PostgresRow) throws(PostgresError) {
            self.place = place
            backendPID = try row.decode("backend_pid")
            isReadOnly = try row.decode("is_read_only")
            missingPrivileges = try row.decode("missing_privileges")
            hasDeferredTriggers = try row.decode("has_deferred_triggers")
        }

        private func grants(_ privileges: [String]) -> String {
            privileges.map { "GRANT \($0) TO \(quotedIdentifier(place.roleName));" }.joined(separator: " ")
        }

        var problem: OutboxError? {
            // A standby may be behind with the schema, too.
            if isReadOnly {
                return .unavailable("\(place): the server is read-only: a standby, or one that became one")
            }
            if !place.hasSchema {
                return .unusable(
                    Diagnosis(
                        "\(place): there is no schema market_chat",
                        cure: "run 'market-chatd migrate' as a role that may create it, or name the right database in"
                            + " DATABASE_URL"))
            }
            if !place.mayUseSchema {
                return .notPermitted(
                    Diagnosis(
                        "\(place): the role may not use the schema market_chat",
                        cure: "as the schema's owner, say: " + grants(["USAGE ON SCHEMA market_chat"])
                            + " What else is missing is told after that."))
            }
            if !missingPrivileges.isEmpty {
                return .notPermitted(
                    Diagnosis(
                        "\(place): the role lacks privileges",
                        cure: "as the schema's owner, say: "
                            + grants(missingPrivileges.split(separator: ", ").map(String.init))))
            }
            return nil
        }
    }
}

extension OutboxError {
    static func transactionPooler(at place: DatabasePlace) -> OutboxError {
        .unusable(
            Diagnosis(
                "\(place): a connection pooler in transaction or statement mode stands before the server, and market-chatd"
                    + " needs a session of its own",
                cure: "point DATABASE_URL at the server itself, or at a pool in session mode"))
    }
}
