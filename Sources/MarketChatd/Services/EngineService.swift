import ChatOutbox
import ChatSync
import Logging
import ServiceLifecycle

/// The engine as a service: it starts once the listener listens, drains when asked to stop, and ends the others with it.
struct EngineService: Service {
    let engine: Engine
    /// Nothing is sent before it is open: a second daemon on this machine is stopped by the listener's address first.
    let mayStart: Latch
    /// Told when the drain begins.
    let onDrain: @Sendable () -> Void
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown { await mayStart.wait() }
        guard !Task.isCancelled, !Task.isShuttingDownGracefully else { return }
        let left = try await withGracefulShutdownHandler {
            try await settled()
        } onGracefulShutdown: {
            engine.drain()
            onDrain()
        }
        guard left.isEmpty else { throw CommandFailure(.failed, left) }
    }

    private func settled() async throws(CommandFailure) -> [String] {
        do {
            return try await engine.run()
        } catch {
            throw CommandFailure(error)
        }
    }
}

extension CommandFailure {
    init(_ error: OutboxError) {
        switch error {
        case .unusable(let diagnosis): self.init(.configuration, ["\(diagnosis)"])
        case .notPermitted(let diagnosis): self.init(.noPermission, ["\(diagnosis)"])
        case .unavailable(let reason), .failed(let reason):
            self.init(.failed, ["The database is not available: \(reason)"])
        }
    }
}
