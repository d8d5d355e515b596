import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

/// What signals do: SIGTERM and SIGINT drain, a second one ends without waiting, a third one ends at once; SIGHUP
/// reloads.
struct SignalHandling: Sendable {
    private let signals: UnixSignalsSequence
    private let onReload: @Sendable () -> Void
    private let logger: Logger

    /// From here on, these signals do not end the process by themselves.
    init(onReload: @escaping @Sendable () -> Void, logger: Logger) async {
        signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        self.onReload = onReload
        self.logger = logger
    }

    /// Runs the services until they end, and acts on signals meanwhile.
    ///
    /// - Returns: whether a second signal hurried the end.
    func run(_ group: ServiceGroup) async throws -> Bool {
        let hurry = Latch()
        return try await withThrowingTaskGroup(of: Bool?.self) { tasks in
            tasks.addTask { try await run(group, until: hurry) }
            tasks.addTask {
                await act(on: group, hurry: hurry)
                return nil
            }
            defer { tasks.cancelAll() }
            while let ended = try await tasks.next() {
                if let isHurried = ended { return isHurried }
            }
            return false
        }
    }

    private func run(_ group: ServiceGroup, until hurry: Latch) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                try await group.run()
                return false
            }
            tasks.addTask {
                await hurry.wait()
                return true
            }
            let isHurried = try await tasks.next() ?? false
            tasks.cancelAll()
            // What the services throw because they were cancelled tells nothing.
            if isHurried { _ = try? await tasks.next() }
            return isHurried
        }
    }

    private func act(on group: ServiceGroup, hurry: Latch) async {
        var stops = 0
        for await signal in signals {
            guard signal != .sighup else {
                onReload()
                continue
            }
            stops += 1
            switch stops {
            case 1:
                logger.notice("Draining: no more rows are taken", metadata: ["signal": "\(signal)"])
                await group.triggerGracefulShutdown()
            case 2:
                logger.warning("Ending without waiting for the calls in flight", metadata: ["signal": "\(signal)"])
                hurry.open()
            default: _exit(ExitStatus.failed.rawValue)
            }
        }
    }
}
