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
