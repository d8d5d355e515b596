import LibPQ

/// Why the schema could not be migrated.
public enum MigrationError: Error, Sendable, Equatable {
    /// The database is away, or busy: another try may succeed.
    case unavailable(String)
    /// Waiting does not help.
    case unusable(Diagnosis)
    /// The role may not do it.
    case notPermitted(Diagnosis)

    init(_ error: PostgresError) {
        if error.sqlState == .insufficientPrivilege {
            self = .notPermitted(
                Diagnosis(
                    error.message,
                    cure: "run migrate as a role that owns the schema market_chat, or may create it"
                        + " (GRANT CREATE ON DATABASE)"))
            return
        }
        switch OutboxError(error) {
        case .unavailable(let text), .failed(let text): self = .unavailable(text)
        case .unusable(let diagnosis): self = .unusable(diagnosis)
        case .notPermitted(let diagnosis): self = .notPermitted(diagnosis)
        }
    }

    /// With `role@host/database` before it. An error of the connection names it itself.
    func at(_ place: DatabasePlace) -> MigrationError {
        switch self {
        case .unavailable(let text) where text.hasPrefix("\(place.roleName)@"): self
        case .unavailable(let text): .unavailable("\(place): \(text)")
        case .unusable(let diagnosis): .unusable(diagnosis.at(place))
        case .notPermitted(let diagnosis): .notPermitted(diagnosis.at(place))
        }
    }
}
