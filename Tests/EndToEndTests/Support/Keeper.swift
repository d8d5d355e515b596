import Glibc
import Synchronization

/// Keeps a daemon running as a service manager does: whenever it ends, the next one is started.
final class Keeper: Sendable {
    private struct State {
        var current: Daemon?
        var isStopping = false
    }

    private let settings: DaemonSettings
    private let state = Mutex(State())

    init(_ settings: DaemonSettings) {
        self.settings = settings
    }

    /// The one that runs now.
    var current: Daemon? { state.withLock { $0.current } }

    /// Runs daemons until ``stop()``.
    ///
    /// - Returns: how each of them ended.
    func run() async throws -> [Daemon.Ending] {
        var endings: [Daemon.Ending] = []
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

/// Runs keepers while `body` runs, then lets them drain.
///
/// - Returns: how the daemons of each of them ended.
func whileKeeping(
    _ keepers: [Keeper], _ body: () async throws -> Void
) async throws -> [[Daemon.Ending]] {
    try await withThrowingTaskGroup(of: (Int, [Daemon.Ending]).self) { group in
        for (number, keeper) in keepers.enumerated() { group.addTask { (number, try await keeper.run()) } }
        do {
            try await body()
        } catch {
            group.cancelAll()
            throw error
        }
        for keeper in keepers { keeper.stop() }
        var endings = [[Daemon.Ending]](repeating: [], count: keepers.count)
        for try await (number, ended) in group { endings[number] = ended }
        return endings
    }
}
