import CLibpq
import Dispatch
import Synchronization

/// What `NOTIFY` sent.
public struct PostgresNotification: Sendable, Equatable {
    /// As `LISTEN` named it.
    public var channel: String
    /// Up to 8,000 bytes: text from whoever may `NOTIFY`.
    public var payload: String
    /// The server process that sent it.
    public var backendPID: Int32
}
