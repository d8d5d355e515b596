import ChatOutbox
import Logging

/// What all parts of one engine share.
struct EngineContext: Sendable {
    var configuration: EngineConfiguration
    var outbox: any Outbox
    var clock: EngineClock
    var random: EngineRandom
    var logger: Logger
    /// Somebody found out that the session with this number is of no more use.
    var sessionFailed: @Sendable (_ number: Int, OutboxError) -> Void
}
