import Synchronization

/// Keeps the ``HostCircuit`` that all workers of an engine share, and tells them what it says.
final class HostMonitor: Sendable {
    /// Its key among the timers; workers have 0 and more.
    static let timer = -1

    private let circuit = Mutex(HostCircuit())
    private let clock: EngineClock
    private let random: EngineRandom
    private let timers: TimerQueue
    /// The circuit opened or closed: everybody is to look at ``state``.
    let changed = WakeSignal()

    init(clock: EngineClock, random: EngineRandom, timers: TimerQueue) {
        self.clock = clock
        self.random = random
        self.timers = timers
    }

    var state: HostState { circuit.withLock { $0.isAway ? .away : .reachable } }

    func take(_ report: HostReport, from business: Int) {
        let now = clock.now
        let change = circuit.withLock { circuit in
            let change = circuit.take(report, from: business, now: now, random: random)
            // Under the lock, so that an older time of another thread's does not come after it.
            if change != nil || circuit.wakeAt != nil { timers.set(Self.timer, circuit.wakeAt) }
            return change
        }
        if change != nil { changed.signal() }
    }

    /// The timer's time has come.
    ///
    /// - Returns: which business may send one request.
    func letOneProbe() -> Int? {
        let now = clock.now
        return circuit.withLock { circuit in
            let chosen = circuit.letOneProbe(now: now, random: random)
            timers.set(Self.timer, circuit.wakeAt)
            return chosen
        }
    }
}
