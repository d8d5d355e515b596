import ChatOutbox
import Logging

/// What all parts of one engine share.
struct EngineContext: Sendable {
    var configuration: EngineConfiguration
    var outbox: any Outbox
    var clock: EngineClock
    var random: EngineRandom
    var logger: Logger
    var jobs = JobRunner()
    var timers: TimerQueue
    var timings = TimingRecorder()
}
