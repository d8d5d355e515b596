import LibPQ

/// What a schema is, and who can work with it.
struct SchemaVersion: Sendable, Equatable {
    /// 0: there is none.
    var version = 0
    /// The version of the oldest program that works with it.
    var oldestProgram = 0
}

extension SchemaVersion {
    static func read(from connection: PostgresConnection) async throws(PostgresError) -> SchemaVersion {
        let tables = try await connection.query(PostgresStatement(SQLText.schemaTables))[0]
        guard try tables.decode("has_migration", as: Bool.self) else { return SchemaVersion() }
        let isUpgradable = try tables.decode("has_upgrade", as: Bool.self)
        let rows = try await connection.query(
            PostgresStatement(isUpgradable ? SQLText.schemaVersion : SQLText.schemaVersion1))
        guard let row = rows.first else { return SchemaVersion() }
        return SchemaVersion(
            version: try row.decode("version"), oldestProgram: try row.decode("oldest_program"))
    }
}
