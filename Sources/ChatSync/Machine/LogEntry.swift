import ChatOutbox
import MarketAPI

/// What the journal is told.
enum LogEntry: Sendable, Hashable {
    case owned(isPaused: Bool)
    case disowned
    case ownedElsewhere
    case paused(Bool)
    case requested(DueRow)
    case concluded(DueRow, RowResult.Change, ExchangeRecord?)
    case created(DueRow, chatID: Int64)
    case settledByOther(DueRow)
    case writeRefused(DueRow, error: String)
    case writeAbandoned(DueRow, error: String)
    case held(Hold, for: Duration)
    case released
    case circuitOpened(ChatContext.Kind)
    case circuitClosed(ChatContext.Kind)
    case databaseIsFull(Int)
    /// The window's requests are spent, by our own count.
    case quotaUsedUp(limit: Int, for: Duration)
}
