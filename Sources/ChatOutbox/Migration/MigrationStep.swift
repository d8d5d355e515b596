/// A part of a migration.
enum MigrationStep: Sendable {
    /// A script, all of it or nothing. Where it locks a table, it waits for a moment only, and is tried again: behind a
    /// lock that waits, all producers wait.
    case transaction(String, table: String?)
    /// One statement that PostgreSQL carries out only outside a transaction.
    case alone(String)
    /// A statement that does a part of its work at a time, until it returns no row: see the script.
    case walk(String)
}
