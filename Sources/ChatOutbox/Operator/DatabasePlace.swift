import LibPQ

/// A database, and the role that looks at it: `role@host/database`.
public struct DatabasePlace: Sendable, Equatable, CustomStringConvertible {
    /// The role that the session works as.
    public var roleName: String
    /// `local` for a Unix socket.
    public var host: String
    /// The database that it is in.
    public var databaseName: String
    /// Such as `15.8`.
    public var serverVersion: String
    /// A server that follows another one, whose sessions are not seen there.
    public var isStandby: Bool
    /// Whether there is a schema `market_chat`.
    public var hasSchema: Bool
    /// Whether the role has `USAGE` on it.
    public var mayUseSchema: Bool

    public init(
        roleName: String, host: String, databaseName: String, serverVersion: String, isStandby: Bool = false,
        hasSchema: Bool = true, mayUseSchema: Bool = true
    ) {
        self.roleName = roleName
        self.host = host
        self.databaseName = databaseName
        self.serverVersion = serverVersion
        self.isStandby = isStandby
        self.hasSchema = hasSchema
        self.mayUseSchema = mayUseSchema
    }

    public var description: String { "\(roleName)@\(host)/\(databaseName)" }

    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            roleName: try row.decode("role_name"), host: try row.decode("host"),
            databaseName: try row.decode("database_name"), serverVersion: try row.decode("server_version"),
            isStandby: try row.decode("is_standby"), hasSchema: try row.decode("has_schema"),
            mayUseSchema: try row.decode("may_use_schema"))
    }
}
