/// Why a row that is due is left alone for now.
struct Suspicion: Sendable, Hashable {
    var reason: Reason
    /// How often, one after the other.
    var strikes = 1
    var failedAt: Moment
    /// It goes before only as a probe.
    var notBefore: Moment
    /// Others were answered well since it failed: it is the row's own fault.
    var isProven = false

    enum Reason: Sendable, Hashable {
        /// 403.
        case forbidden
        /// It failed while the circuit was open.
        case circuit
        /// The business was held for it.
        case hold
        /// It failed, and the database does not even take that.
        case unwritten
    }

    /// How long a row waits that is itself at fault.
    static let waits = Backoff(base: .seconds(60), max: .seconds(3600))
}
