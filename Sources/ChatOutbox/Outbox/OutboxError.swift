/// Why the outbox could not be used.
public enum OutboxError: Error, Sendable, Equatable {
    /// It is away, or the session broke: worth another try on a new session. The text is for the operator.
    case unavailable(String)
    /// It answers, but waiting does not help: a wrong schema, a transaction pooler, a wrong password.
    case unusable(Diagnosis)
    /// The role may not do what it has to. The cure has the GRANT that mends it.
    case notPermitted(Diagnosis)
    /// This statement failed, of a lock or a time-out for instance, and the session goes on: worth another try on it.
    case failed(String)

    /// Whether waiting alone does not help.
    public var needsPerson: Bool {
        switch self {
        case .unusable, .notPermitted: true
        case .unavailable, .failed: false
        }
    }

    /// Cause and cure apart, where both are known.
    public var diagnosis: Diagnosis? {
        switch self {
        case .unavailable, .failed: nil
        case .unusable(let diagnosis), .notPermitted(let diagnosis): diagnosis
        }
    }

    /// For the operator, in each case.
    public var text: String {
        switch self {
        case .unavailable(let text), .failed(let text): text
        case .unusable(let diagnosis), .notPermitted(let diagnosis): diagnosis.description
        }
    }
}
