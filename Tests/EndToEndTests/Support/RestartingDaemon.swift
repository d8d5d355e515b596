import Glibc
import Harness
import Synchronization

/// Keeps a daemon running as a service manager does: whenever it ends, the next one is started.
final class RestartingDaemon: Sendable {
    private struct State {
        var current: DaemonProcess?
        var isStopping = false
    }

    private let settings: DaemonSettings
    private let state = Mutex(State())

    init(_ settings: DaemonSettings) {
        self.settings = settings
    }

    /// The one that runs now.
    var current: DaemonProcess? { state.withLock { $0.current } }

    /// Runs daemons until ``stop()``.
    ///
    /// - Returns: how each of them ended.
    func run() async throws -> [DaemonProcess.Ending] {
        var endings: [DaemonProcess.Ending] = []
        while !isStopping {
            let ending = try await withDaemon(settings) { daemon in
                state.withLock { $0.current = daemon }
                defer { state.withLock { $0.current = nil } }
                // Before it listens, a signal finds it without its handlers.
                try await waitUntil("it listens or ends") {
                    try daemon.endingSoFar != nil || daemon.log.says("Listening")
                }
                try await waitUntil("it ends or is to stop", atMost: .seconds(300)) {
                    daemon.endingSoFar != nil || isStopping
                }
                if isStopping { daemon.send(SIGTERM) }
                return try await daemon.ending()
            }
            endings.append(ending)
        }
        return endings
    }

    /// No more are started, and the one that runs drains.
    func stop() {
        state.withLock { $0.isStopping = true }
    }

    /// Kills the one that runs.
    func kill() {
        current?.send(SIGKILL)
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }
}

/// Keeps these running while `body` runs, then lets them drain.
///
/// - Returns: for each of them, how its daemons ended.
func whileRestarting(
    _ daemons: [RestartingDaemon], _ body: () async throws -> Void
) async throws -> [[DaemonProcess.Ending]] {
    try await withThrowingTaskGroup(of: (Int, [DaemonProcess.Ending]).self) { group in
        for (number, daemon) in daemons.enumerated() { group.addTask { (number, try await daemon.run()) } }
        do {
            try await body()
        } catch {
            group.cancelAll()
            throw error
        }
        for daemon in daemons { daemon.stop() }
        var endings = [[DaemonProcess.Ending]](repeating: [], count: daemons.count)
        for try await (number, ended) in group { endings[number] = ended }
        return endings
    }
}
