import LibPQ

/// Why an operator's command could not do its work. Each text names the place, the cause and the cure, and no secret.
public enum OperatorError: Error, Sendable, Equatable {
    /// The database is away: another try may succeed.
    case unavailable(String)
    /// The configuration or the schema has to be mended first.
    case unusable(Diagnosis)
    /// The role may not do it.
    case notPermitted(Diagnosis)
    /// The statement failed.
    case failed(String)

    /// Cause and cure apart, where both are known.
    public var diagnosis: Diagnosis? {
        switch self {
        case .unavailable, .failed: nil
        case .unusable(let diagnosis), .notPermitted(let diagnosis): diagnosis
        }
    }

    /// For the operator, in each case: cause and cure in one line.
    public var text: String {
        switch self {
        case .unavailable(let text), .failed(let text): text
        case .unusable(let diagnosis), .notPermitted(let diagnosis): diagnosis.description
        }
    }

    init(connecting error: PostgresError) {
        switch OutboxError(error) {
        case .unusable(let diagnosis): self = .unusable(diagnosis)
        case .notPermitted(let diagnosis): self = .notPermitted(diagnosis)
        case .unavailable(let text), .failed(let text): self = .unavailable(text)
        }
    }
}
