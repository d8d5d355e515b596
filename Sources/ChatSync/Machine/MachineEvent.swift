import ChatOutbox
import MarketAPI

/// What happens to a business. Each event is handled by ``BusinessMachine/handle(_:now:random:)``.
enum MachineEvent: Sendable {
    /// A session became the owner of the business.
    case owned(BusinessRecord)
    /// That session is no more. What was asked of it will not be answered.
    case lost
    /// The database says that there is something new.
    case woken
    /// The answer to ``MachineCommand/read(_:)``.
    case read(DueRows)
    /// The answer to ``MachineCommand/fallAsleep(_:)``.
    case fellAsleep(DueRows, Sleep)
    /// The answer to ``MachineCommand/sample(contextType:excluding:limit:)``.
    case sampled([DueRow])
    /// The statement of a read, a sample or a sleep failed, and the session goes on.
    case askFailed
    /// The producers' transactions that kept the owner awake have ended.
    case producersEnded
    /// The other session whose sleep made producers notify sleeps no more.
    case coverEnded
    /// The Market answered, or not.
    case answered(rowID: Int64, MarketReply<CreatedChat>)
    /// The database took a result, or not.
    case wrote(rowID: Int64, RowOutcome)
    /// The fallback poll saw this.
    case polled(BusinessPoll)
    /// The time of ``MachineCommand/setTimer(_:)`` has come.
    case timer
    /// A person wants whatever it is held for to be tried at once.
    case holdEnded
    /// The API keys were read again.
    case keysChanged
    /// What is known of the Market's host, by all businesses together.
    case host(HostState)
    /// In a run with `isOnce`: another session owns the business, and `hasWaited` says whether it was waited for.
    case ownedElsewhere(hasWaited: Bool)
    /// Send no more; finish what is held.
    case drain
}

/// Whether the Market's host can be reached, as all businesses together found out.
enum HostState: Sendable, Hashable {
    case reachable
    /// Nobody sends, but whoever is told to probe.
    case away
    /// This business sends one request.
    case probing
}

/// What the machine wants done.
enum MachineCommand: Sendable, Hashable {
    case read(DueRead)
    case sample(contextType: String?, excluding: [Int64], limit: Int)
    case fallAsleep(DueRead)
    case wakeUp
    case watchProducers
    case send(DueRow)
    /// `isApart`: the database refused it before.
    case write(RowResult, isApart: Bool)
    /// What the next owner should know has changed, and no result that is written takes it along.
    case remember
    /// Send ``MachineEvent/timer`` then; `nil`: never. There is one timer: a new one takes the place of the old one.
    case setTimer(Moment?)
    /// What the answer says of the Market's host.
    case reportHost(HostReport)
    case log(LogEntry)
    /// All is done.
    case end(WorkerEnding)
}

/// What one business tells of the Market's host.
enum HostReport: Sendable, Hashable {
    case answered
    case failed(wasProbe: Bool)
    /// A probe is wanted as soon as there may be one.
    case wantsProbe
    /// There was nothing to probe with.
    case declinesProbe
}

/// Why a worker ended.
enum WorkerEnding: Sendable, Hashable {
    /// It was told to.
    case stopped
    /// Nothing is due any more.
    case done
    /// Rows may be due still, but this stands in their way.
    case left(String)
    /// Another instance owns the business.
    case ownedElsewhere
}

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
