import LibPQ

/// Why the schema could not be migrated. Each text names cause and cure.
public enum MigrationError: Error, Sendable, Equatable {
    /// The database is away, or busy: another try may succeed.
    case unavailable(String)
    /// Waiting does not help.
    case unusable(String)
    /// The role may not do it.
    case notPermitted(String)

    init(_ error: PostgresError) {
        if error.sqlState == .insufficientPrivilege {
            self = .notPermitted(
                "\(error.message): run migrate as a role that owns the schema market_chat, or may create it"
                    + " (GRANT CREATE ON DATABASE)")
            return
        }
        switch OutboxError(error) {
        case .unavailable(let text), .failed(let text): self = .unavailable(text)
        case .unusable(let text): self = .unusable(text)
        case .notPermitted(let text): self = .notPermitted(text)
        }
    }
}
