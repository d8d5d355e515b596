/// The statements, from the `.sql` files that are embedded in the program.
enum SQLText {
    static let sessionSettings = text(PackageResources.session_settings_sql)
    static let sessionFacts = text(PackageResources.session_facts_sql)
    static let schemaVersion = text(PackageResources.schema_version_sql)
    static let claim = text(PackageResources.claim_sql)
    static let owners = text(PackageResources.owners_sql)
    static let outlook = text(PackageResources.outlook_sql)
    static let paused = text(PackageResources.paused_sql)
    static let dueRows = text(PackageResources.due_rows_sql)
    static let poll = text(PackageResources.poll_sql)
    static let settle = text(PackageResources.settle_sql)
    static let stillPending = text(PackageResources.still_pending_sql)
    static let remember = text(PackageResources.remember_sql)
    static let putOff = text(PackageResources.put_off_sql)
    static let deleteSettled = text(PackageResources.delete_settled_sql)
    static let migrationSchema = text(PackageResources.migration_schema_sql)

    static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
