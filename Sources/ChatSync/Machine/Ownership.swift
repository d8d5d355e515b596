import ChatOutbox

/// Whether we own the business, and what producers have to do to be heard.
enum Ownership: Sendable, Hashable {
    case notOurs
    case ours(Attention)

    /// How rows that are new get noticed.
    enum Attention: Sendable, Hashable {
        /// The owner looks by itself; producers are silent.
        case awake
        /// Producers notify.
        case asleep
        /// Producers notify, as long as another session sleeps.
        case covered
        /// New producers notify; those whose transactions are open are waited for.
        case awaitingProducers
    }

    var isOurs: Bool { self != .notOurs }
    /// Whether nothing new goes unnoticed although nobody looks.
    var hears: Bool {
        switch self {
        case .notOurs, .ours(.awake): false
        case .ours(.asleep), .ours(.covered), .ours(.awaitingProducers): true
        }
    }
}
