import ChatSync
import Logging
import ServiceLifecycle
import Synchronization

/// Keeps systemd informed: ready, what the daemon does, that it lives, and how long a drain may still take.
final class SystemdService: Service {
    /// How often the status line is looked at; sent only where it changed.
    static let period = Duration.seconds(1)
    /// Whoever starts the service waits so long at most for the first word of the database.
    static let firstOutcomeLimit = Duration.seconds(5)
    /// What a drain may take beyond its limit before systemd is left to end it.
    static let drainMargin = Duration.seconds(10)

    private let notifier: SystemdNotifier
    private let status: @Sendable () -> EngineStatus
    private let isReady: Latch
    private let watchdogInterval: Duration?
    private let drainTimeout: Duration
    private let clock: EngineClock
    private let drainBegan = Mutex<Moment?>(nil)
    private let hasToldReady = Mutex(false)

    /// - Parameters:
    ///   - isReady: open once the configuration holds and the listener listens. Then the first try of the database is
    ///     waited for, so that a start which ends in a mistake is seen to fail. It need not succeed: an outage is shown in
    ///     the status line, and a daemon that only waits must not use up systemd's start limit.
    ///   - watchdogInterval: of ``SystemdWatchdog``.
    init(
        notifier: SystemdNotifier, status: @escaping @Sendable () -> EngineStatus, isReady: Latch,
        watchdogInterval: Duration?, drainTimeout: Duration, clock: EngineClock = .continuous
    ) {
        self.notifier = notifier
        self.status = status
        self.isReady = isReady
        self.watchdogInterval = watchdogInterval
        self.drainTimeout = drainTimeout
        self.clock = clock
    }

    func run() async throws {
        guard notifier.isActive else {
            await cancelWhenGracefulShutdown { await Latch().wait() }
            return
        }
        await cancelWhenGracefulShutdown {
            await self.isReady.wait()
            await self.waitForFirstOutcome()
        }
        if !Task.isShuttingDownGracefully, !Task.isCancelled {
            hasToldReady.withLock { $0 = true }
            notifier.send(.ready)
        }
        await cancelWhenGracefulShutdown { await self.keepInformed() }
    }

    private func waitForFirstOutcome() async {
        let end = clock.now + Self.firstOutcomeLimit
        while status().database == .connecting(problem: nil), clock.now < end, !Task.isCancelled {
            await clock.sleep(until: clock.now + .milliseconds(20))
        }
    }

    /// Reads what a reload reads, and tells systemd when it begins and ends. Before the service is ready there is no reload
    /// to tell of.
    func reload(_ work: () -> Void) {
        let isReady = hasToldReady.withLock { $0 }
        if isReady { notifier.send(.reloading(monotonicMicroseconds: SystemdNotifier.monotonicMicroseconds)) }
        work()
        if isReady { notifier.send(.ready) }
    }

    /// The drain begins: systemd waits for as long as it may take.
    func drainBegins() {
        drainBegan.withLock { $0 = $0 ?? clock.now }
        notifier.send(.stopping, .status(line(status())), .extendTimeout(Self.period * 3))
    }

    /// Until cancelled.
    private func keepInformed() async {
        let step = min(Self.period, watchdogInterval ?? Self.period)
        var sentLine = ""
        while !Task.isCancelled {
            let status = status()
            let line = line(status)
            if line != sentLine { notifier.send(.status(line)) }
            sentLine = line
            // Only while the work turns: a timer of its own would call a wedged daemon healthy.
            if watchdogInterval != nil, status.isMakingProgress { notifier.send(.watchdog) }
            if let began = drainBegan.withLock({ $0 }), clock.now - began < drainTimeout + Self.drainMargin {
                notifier.send(.extendTimeout(Self.period * 3))
            }
            await clock.sleep(until: clock.now + step)
        }
    }

    private func line(_ status: EngineStatus) -> String {
        StatusLine.text(for: status, at: .now)
    }
}
