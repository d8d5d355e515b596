import LibPQ

/// Why an operator's command could not do its work. Each text names the place, the cause and the cure, and no secret.
public enum OperatorError: Error, Sendable, Equatable {
    /// The database is away: another try may succeed.
    case unavailable(String)
    /// The configuration or the schema has to be mended first.
    case unusable(String)
    /// The role may not do it.
    case notPermitted(String)
    /// The statement failed.
    case failed(String)

    public var text: String {
        switch self {
        case .unavailable(let text), .unusable(let text), .notPermitted(let text), .failed(let text): text
        }
    }

    init(connecting error: PostgresError) {
        switch OutboxError(error) {
        case .unusable(let text): self = .unusable(text)
        case .notPermitted(let text): self = .notPermitted(text)
        case .unavailable(let text), .failed(let text): self = .unavailable(text)
        }
    }
}
