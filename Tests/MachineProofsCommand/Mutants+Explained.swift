extension Mutant {
    /// Why no proof notices them.
    static let explained: [String: String] = [
        "drainForgetsUnwritten": "no world drains a machine; its unit tests do",
        "drainDoesNotTryOnceMore": "no world drains a machine; its unit tests do",
        "hostIsAwayOneFailureLater": "five failures or six: no rule depends on it",
    ]
}
