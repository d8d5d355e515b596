/// The versions of the schema `market_chat` that this program knows.
public enum OutboxSchema {
    /// One step from a version to the next.
    struct Migration: Sendable {
        var version: Int
        var name: String
        var script: String
    }

    /// In order; the last one's version is the program's.
    static let migrations = [
        Migration(version: 1, name: "outbox", script: SQLText.text(PackageResources.migration_0001_outbox_sql))
    ]

    /// The version that this program works with.
    public static var version: Int { migrations.last?.version ?? 0 }

    /// Why a schema of another version is of no use, and what mends it; `nil` where `found` is the right one.
    static func flaw(found: Int) -> String? {
        if found < version {
            return "the schema market_chat is of version \(found) and this market-chatd needs \(version): run"
                + " 'market-chatd migrate', as a role that owns the schema"
        }
        if found > version {
            return "the schema market_chat is of version \(found) and this market-chatd knows only \(version): install"
                + " the newer market-chatd that migrated it"
        }
        return nil
    }
}
