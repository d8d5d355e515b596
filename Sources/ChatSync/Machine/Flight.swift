/// One request.
struct Flight: Sendable, Hashable {
    var sentAt: Moment
    /// Whether it goes alone, to find out whether the business is well again.
    var purpose: Purpose
    /// ``QuotaPacer/windowNumber``.
    var window: Int
    /// Counts the API keys: an answer for an old one says nothing of the new one.
    var keyNumber: Int
    /// What the row was suspected of when it was sent.
    var suspicion: Suspicion?

    /// What else is learned from the answer.
    enum Purpose: Sendable, Hashable {
        case settle
        /// Whether the hold may end.
        case endHold
        /// Whether the circuit may close.
        case closeCircuit
        /// Whether other rows get 403 as well.
        case settleDoubt
        /// Whether the host is back.
        case reachHost
    }
}
