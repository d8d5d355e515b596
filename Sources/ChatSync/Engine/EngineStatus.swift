/// What the engine does and why, at one moment. A copy: nothing in it changes any more.
public struct EngineStatus: Sendable, Equatable {
    /// Of the process's life.
    public var phase: Phase
    /// Whether the session stands.
    public var database: Database
    /// In the order of the configuration.
    public var businesses: [BusinessStatus]
    /// Whether every loop turned lately. False means a defect, for which a restart is the cure.
    public var isMakingProgress: Bool
    /// Since this process started.
    public var timings = EngineTimings()
    /// Since the session was found, or lost; `nil` where nobody measured it.
    public var databaseFor: Duration?

    /// The engine's life.
    public enum Phase: String, Sendable {
        case starting, running, draining, stopped
    }

    /// The session with the outbox.
    public enum Database: Sendable, Equatable {
        /// `problem`: what the last try said.
        case connecting(problem: String?)
        case connected
    }
}
