/// The versions of the schema `market_chat` that this program knows.
public enum OutboxSchema {
    /// From one version to the next, in steps. Each step may be carried out again, and after each of them the programs of
    /// the version before work: so a step that fails leaves a schema that is of use.
    struct Migration: Sendable {
        var version: Int
        var steps: [MigrationStep]
    }

    /// In order; the last one's version is the program's.
    static let migrations = [
        Migration(
            version: 1,
            steps: [.transaction(SQLText.text(PackageResources.migration_0001_outbox_sql), table: nil)]),
        Migration(
            version: 2,
            steps: [
                .transaction(SQLText.text(PackageResources.migration_0002_1_prepare_sql), table: nil),
                .transaction(SQLText.text(PackageResources.migration_0002_2_outbox_sql), table: "market_chat.outbox"),
                .alone(SQLText.text(PackageResources.migration_0002_3_drop_unfinished_index_sql)),
                .alone(SQLText.text(PackageResources.migration_0002_4_attempt_index_sql)),
                .transaction(SQLText.text(PackageResources.migration_0002_5_attempt_sql), table: "market_chat.attempt"),
                .walk(SQLText.text(PackageResources.migration_0002_6_forget_sql)),
                .alone(SQLText.text(PackageResources.migration_0002_7_drop_attempt_of_row_sql)),
                .alone(SQLText.text(PackageResources.migration_0002_8_drop_outbox_settled_sql)),
                .transaction(SQLText.text(PackageResources.migration_0002_9_done_sql), table: nil),
            ]),
    ]

    /// The version that this program works with.
    public static var version: Int { migrations.last?.version ?? 0 }

    /// Why this program and the schema do not go together, and what mends it; `nil` where they do.
    static func flaw(of schema: SchemaVersion) -> Diagnosis? {
        if schema.version < version {
            return Diagnosis(
                "the schema market_chat is of version \(schema.version) and this market-chatd needs \(version)",
                cure: "run 'market-chatd migrate', as a role that owns the schema")
        }
        if schema.oldestProgram > version {
            return Diagnosis(
                "the schema market_chat is of version \(schema.version) and needs a market-chatd of version"
                    + " \(schema.oldestProgram), and this one is of \(version)",
                cure: "install the newer market-chatd that migrated it")
        }
        return nil
    }
}
