/// Orders and returns that are answered badly for ever: at every request that gets past the key, the lock-outs, the
/// parallel limit and the quota, in any business, and whatever ``SandboxFaults`` are drawn for the others. Of several
/// rules that cover a context, the first one decides.
public struct SandboxBadRule: Codable, Sendable, Equatable {
    /// `nil`: orders and returns alike.
    public var type: SandboxContext.Kind?
    /// The first and the last id; 1 or more, and in this order.
    public var from: Int64
    public var to: Int64
    public var answer: Answer
    /// `Retry-After` of the answer, 0 to a day; `nil`: none.
    public var retryAfterSeconds: Int?

    /// As JSON `"403"`, `"malformed"` or `"reset"`.
    public enum Answer: RawRepresentable, Codable, Sendable, Equatable {
        /// 400 to 599, with the vendor's error shape. 4xx spends quota, 5xx does not.
        case status(Int)
        /// 200 with a body that cannot be used, after the work was done. Spends quota.
        case malformed
        /// The connection is reset before the work is done. Spends none.
        case reset

        public init?(rawValue: String) {
            switch rawValue {
            case "malformed": self = .malformed
            case "reset": self = .reset
            default:
                guard let status = Int(rawValue), (400...599).contains(status) else { return nil }
                self = .status(status)
            }
        }

        public var rawValue: String {
            switch self {
            case .status(let status): "\(status)"
            case .malformed: "malformed"
            case .reset: "reset"
            }
        }
    }

    public init(
        _ ids: ClosedRange<Int64>, _ answer: Answer, type: SandboxContext.Kind? = nil, retryAfterSeconds: Int? = nil
    ) {
        self.type = type
        (from, to) = (ids.lowerBound, ids.upperBound)
        self.answer = answer
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// What is wrong with it, if anything.
    public var problem: String? {
        if from < 1 || to < from { return "the ids are 1 or more, the first one before the last" }
        if case .status(let status) = answer, !(400...599).contains(status) { return "a status is within 400 and 599" }
        guard let retryAfterSeconds else { return nil }
        if answer == .reset { return "a reset brings no Retry-After" }
        return (0...86_400).contains(retryAfterSeconds) ? nil : "Retry-After is within 0 and a day"
    }

    func covers(_ context: SandboxContext) -> Bool {
        (type == nil || type == context.kind) && context.id >= from && context.id <= to
    }
}
