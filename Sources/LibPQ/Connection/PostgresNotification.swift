import CLibpq
import Dispatch
import Synchronization

/// What `NOTIFY` sent.
public struct PostgresNotification: Sendable, Equatable {
    public var channel: String
    public var payload: String
    /// The server process that sent it.
    public var backendPID: Int32
}
