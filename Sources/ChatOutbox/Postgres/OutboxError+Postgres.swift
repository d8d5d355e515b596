import Glibc
import LibPQ

extension OutboxError {
    /// What an error of the database means for a session that is to be opened. The texts name cause and cure, and no
    /// secret.
    init(_ error: PostgresError) {
        if error.sqlState == .insufficientPrivilege {
            // Of all privileges, only this one is asked for before there is a session that can tell more.
            let database = error.message.split(separator: "\"").dropFirst().first.map { quotedIdentifier(String($0)) }
            self = .notPermitted(
                Diagnosis(
                    error.message,
                    cure: "as the database's owner, say: GRANT CONNECT ON DATABASE \(database ?? "…") TO the role in"
                        + " DATABASE_URL"))
            return
        }
        let cure: String? =
            switch (error.kind, error.sqlState) {
            case (.misuse, _): "mend DATABASE_URL"
            case (_, .invalidPassword?), (_, .invalidAuthorization?):
                "mend the user or the password in DATABASE_URL, or pg_hba.conf on the server"
            case (_, .invalidCatalogName?): "mend the database's name in DATABASE_URL, or create the database"
            case (.passwordMissing, _):
                "give the password in DATABASE_URL, PGPASSWORD or a password file"
            case (.server, .undefinedTable?), (.server, .undefinedFunction?), (.server, .invalidSchemaName?),
                (.server, .undefinedColumn?):
                "run 'market-chatd migrate'"
            default: nil
            }
        self = cure.map { .unusable(Diagnosis(error.message, cure: $0)) } ?? .unavailable(error.message)
    }

    /// What an error of a statement means where the connection was found to be of use.
    init(running error: PostgresError) {
        self = error.isOfTheStatement ? .failed(error.message) : OutboxError(error)
    }

    /// Runs `body`, and turns its error into one of the outbox.
    static func decoding<Value>(_ body: () throws(PostgresError) -> Value) throws(OutboxError) -> Value {
        do {
            return try body()
        } catch {
            throw OutboxError(error)
        }
    }

    /// Runs `body`, and turns its error into one of the outbox.
    static func catching<Value>(_ body: () async throws(PostgresError) -> Value) async throws(OutboxError) -> Value {
        do {
            return try await body()
        } catch {
            throw OutboxError(error)
        }
    }

    /// Runs `body` on a connection that was found to be of use, and turns its error into one of the outbox.
    static func running<Value>(_ body: () async throws(PostgresError) -> Value) async throws(OutboxError) -> Value {
        do {
            return try await body()
        } catch {
            throw OutboxError(running: error)
        }
    }
}

extension PostgresError {
    /// Whether the server refused what the transaction did, and the session goes on. A server that became read-only goes on
    /// too, and yet takes nothing.
    var isOfTheStatement: Bool {
        kind == .server && !isConnectionLost && sqlState != .readOnlyTransaction
    }

    /// Insufficient resources, operator intervention and system errors.
    var isOfTheServer: Bool {
        ["53", "57", "58", "F0", "XX"].contains(sqlState?.classCode) && sqlState != .queryCanceled
    }
}

extension PostgresConfiguration {
    /// `market-chatd@host:pid`: whoever looks at the server's sessions, or at a business's owner, sees where it runs.
    private static let applicationName: String = {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // The server cuts after 63 bytes.
        return "market-chatd@\(host.prefix(40)):\(getpid())"
    }()

    /// What all connections to the outbox share.
    ///
    /// A server of several that cannot write is passed over. A host that vanishes is noticed by the kernel.
    static func forOutbox(
        _ connectionString: String, connectTimeout: Duration = .seconds(10), queryTimeout: Duration
    ) -> PostgresConfiguration {
        PostgresConfiguration(
            connectionString: connectionString,
            defaults: [
                ("fallback_application_name", applicationName), ("target_session_attrs", "read-write"),
                ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
                ("tcp_user_timeout", "20000"),
            ],
            overrides: [("client_encoding", "UTF8")], connectTimeout: connectTimeout, queryTimeout: queryTimeout)
    }
}
