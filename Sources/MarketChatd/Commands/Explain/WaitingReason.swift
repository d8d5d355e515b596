import ChatOutbox
import ChatSync

/// The first words of `market_chat.waiting.reason`.
enum WaitingReason: Sendable, Equatable {
    case due, scheduled, backoff, resultNotWritten, paused, noOwner, unknown
    /// `nil`: of a kind that we do not know.
    case held(Hold.Kind?)

    init(_ reason: String) {
        switch reason {
        case "due": self = .due
        case "scheduled": self = .scheduled
        case "paused": self = .paused
        case "no owner": self = .noOwner
        case _ where reason.hasPrefix("held: "):
            self = .held(Hold.Kind(ofReason: String(reason.dropFirst(6))))
        case _ where reason.hasPrefix("backoff: its result"): self = .resultNotWritten
        case _ where reason.hasPrefix("backoff"): self = .backoff
        default: self = .unknown
        }
    }
}
