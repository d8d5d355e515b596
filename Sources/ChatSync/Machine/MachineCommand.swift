import ChatOutbox

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
