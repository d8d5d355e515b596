/// What the Market said.
public enum MarketAnswer<Value: Sendable>: Sendable {
    /// A 2xx that holds what was asked for.
    case ok(Value)
    /// A 2xx that does not: malformed, `status` ERROR, no or an impossible value. `reason` is short and holds no secret.
    case malformed(status: Int, reason: String)
    /// Any other status, redirects included.
    case httpError(status: Int, problem: MarketProblem)
    /// No answer, or not all of it.
    case failed(TransportFailure)
}

extension MarketAnswer: Equatable where Value: Equatable {}
