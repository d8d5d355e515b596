import LibPQ

/// A connection for a person's command: it owns nothing, holds no lock between two statements, and needs only the
/// privileges of what it is asked for.
public final class OperatorSession: Sendable {
    /// Longer than any look at a well-kept outbox; a person would not wait longer.
    static let statementTimeout = Duration.seconds(30)
    /// A row that somebody holds is waited for so long.
    static let lockTimeout = Duration.seconds(5)

    let connection: PostgresConnection
    /// Where we are, and as whom.
    public let place: DatabasePlace

    private let settings: PostgresStatement

    private init(connection: PostgresConnection, settings: PostgresStatement, place: DatabasePlace) {
        self.connection = connection
        self.settings = settings
        self.place = place
    }

    /// Opens a session, does `work` with it, and closes it, whatever comes of that.
    ///
    /// - Parameters:
    ///   - connectionString: libpq's.
    ///   - isReadOnly: whether a standby will do, and nothing can be changed.
    ///   - work: what is done with the session, which is closed afterwards.
    /// - Throws: ``OperatorError``, of the opening or of the work.
    public static func with<Value>(
        _ connectionString: String, isReadOnly: Bool = false,
        _ work: (OperatorSession) async throws(OperatorError) -> Value
    ) async throws(OperatorError) -> Value {
        let session = try await open(connectionString, isReadOnly: isReadOnly)
        let result: Result<Value, OperatorError>
        do throws(OperatorError) {
            result = .success(try await work(session))
        } catch {
            result = .failure(error)
        }
        await session.connection.close()
        return try result.get()
    }

    private static func open(
        _ connectionString: String, isReadOnly: Bool
    ) async throws(OperatorError) -> OperatorSession {
        let connection: PostgresConnection
        do {
            connection = try await connect(connectionString, isReadOnly: isReadOnly)
        } catch {
            throw OperatorError(connecting: error)
        }
        do {
            let settings = PostgresStatement(
                SQLText.operatorSettings,
                [
                    .int64(statementTimeout.wholeMilliseconds), .int64(lockTimeout.wholeMilliseconds),
                    .bool(isReadOnly),
                ])
            let answers = try await connection.pipeline([settings, PostgresStatement(SQLText.sessionPlace)])
            return OperatorSession(
                connection: connection, settings: settings, place: try DatabasePlace(answers[1][0]))
        } catch {
            await connection.close()
            throw OperatorError(connecting: error)
        }
    }

    /// Of several servers one that can write comes first, for who only reads too: owners are seen there alone.
    private static func connect(
        _ connectionString: String, isReadOnly: Bool
    ) async throws(PostgresError) -> PostgresConnection {
        var server = PostgresConfiguration.forOutbox(
            connectionString, connectTimeout: .seconds(10), queryTimeout: statementTimeout + .seconds(5))
        do {
            return try await PostgresConnection.connect(server)
        } catch {
            // libpq's own finding, such as that a server only reads, is no answer of the server.
            guard isReadOnly, error.kind == .connectFailed, error.server == nil else { throw error }
            server.defaults.removeAll { $0.key == "target_session_attrs" }
            return try await PostgresConnection.connect(server)
        }
    }

    /// Runs statements in one transaction, and says in plain words what a refusal means.
    ///
    /// - Parameter privileges: what they need, as after `GRANT` and before `TO`; for the message of who lacks it.
    func run(
        _ statements: [PostgresStatement], privileges: String, timeout: Duration? = nil
    ) async throws(OperatorError) -> [PostgresRows] {
        do {
            return try await transaction(statements, timeout: timeout)
        } catch {
            throw explained(error, privileges: privileges)
        }
    }

    /// Runs statements in one transaction with the settings of a person's session.
    func transaction(
        _ statements: [PostgresStatement], timeout: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRows] {
        Array(try await connection.pipeline([settings] + statements, timeout: timeout).dropFirst())
    }

    func run(_ statement: PostgresStatement, privileges: String) async throws(OperatorError) -> PostgresRows {
        try await run([statement], privileges: privileges)[0]
    }

    /// Turns what a row cannot be decoded from into an error for people.
    func decoding<Value>(_ body: () throws(PostgresError) -> Value) throws(OperatorError) -> Value {
        do {
            return try body()
        } catch {
            throw .failed("\(place): \(error.message)")
        }
    }

    func explained(_ error: PostgresError, privileges: String) -> OperatorError {
        switch error.sqlState {
        case .insufficientPrivilege? where !error.namesOurs:
            return .notPermitted(
                Diagnosis(
                    "\(place): \(error.advised): a trigger or a policy of yours asks for it",
                    cure: "grant it to \(quotedIdentifier(place.roleName))"))
        case .insufficientPrivilege?:
            // Who may not even use the schema needs that first.
            let grants =
                place.mayUseSchema ? [privileges] : ["USAGE ON SCHEMA market_chat", privileges]
            let role = quotedIdentifier(place.roleName)
            let cure = grants.map { "GRANT \($0) TO \(role);" }.joined(separator: " ")
            return .notPermitted(
                Diagnosis("\(place): \(error.message)", cure: "as the owner of the schema, say: \(cure)"))
        case .undefinedTable?, .undefinedFunction?, .invalidSchemaName?, .undefinedColumn?:
            return .unusable(
                place.hasSchema
                    ? Diagnosis(
                        "\(place): \(error.message): the schema is of an older version",
                        cure: "run 'market-chatd migrate'")
                    : Diagnosis(
                        "\(place): there is no schema market_chat",
                        cure: "run 'market-chatd migrate', or name the right database in DATABASE_URL"))
        case .lockNotAvailable?, .deadlockDetected?:
            return .failed(
                "\(place): \(error.message): another session holds what has to be changed: try again in a moment; if it"
                    + " stays so, pg_stat_activity shows who has a transaction open")
        case .readOnlyTransaction?:
            return .unavailable("\(place): the server is read-only: a standby, or one that became one")
        default:
            // Such an error names the place itself.
            if error.isConnectionLost { return .unavailable(error.message) }
            return error.kind == .server
                ? .failed("\(place): \(error.advised)") : .unavailable("\(place): \(error.message)")
        }
    }
}

/// As SQL wants a name: in quotation marks where it needs them.
func quotedIdentifier(_ name: String) -> String {
    let isPlain = name.utf8.enumerated().allSatisfy { index, byte in
        byte == UInt8(ascii: "_") || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
            || index > 0 && UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }
    return isPlain && !name.isEmpty
        ? name
        : "\""
            + name.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
}
