extension Mutant {
    /// Why nothing notices them.
    static let explained: [String: String] = [
        "drainDoesNotTryOnceMore": "a pause is shorter than a drain: it is tried all the same",
        "hostIsAwayOneFailureLater": "five failures or six: no rule depends on it",
    ]
}
