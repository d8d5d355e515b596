import NIOCore
import NIOHTTP1
import NIOPosix

/// An imitated Market that listens.
///
/// `withSandbox` starts and stops one for a test; `market-sandbox` runs one for good.
public struct MarketSandboxServer: Sendable {
    /// Where it listens; with the port that was free where 0 was asked for.
    public let host: String
    public let port: Int
    private let shared: ServerState
    private let channel: any Channel

    /// Listens from now on.
    ///
    /// - Parameters:
    ///   - options: how it behaves.
    ///   - log: called on an event loop after each exchange; it must not block.
    /// - Throws: ``SandboxStartError`` where the address cannot be had.
    public static func start(
        _ options: SandboxOptions = SandboxOptions(), log: (@Sendable (SandboxLogEntry) -> Void)? = nil
    ) async throws -> Self {
        let shared = ServerState(options: options, log: log)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    shared.opened(channel)
                    channel.closeFuture.whenComplete { _ in shared.closed(channel) }
                    let pipeline = channel.pipeline.syncOperations
                    let stamp = ArrivalStamp()
                    try pipeline.addHandler(stamp)
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(ConnectionHandler(shared: shared, stamp: stamp))
                }
            }
        do {
            let channel = try await bootstrap.bind(host: options.host, port: options.port).get()
            return Self(host: options.host, port: channel.localAddress?.port ?? 0, shared: shared, channel: channel)
        } catch {
            throw SandboxStartError(host: options.host, port: options.port, cause: "\(error)")
        }
    }

    /// `http://127.0.0.1:8080`, without a slash at the end.
    public var url: String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    /// Comes back when ``stop()`` was called.
    public func untilStopped() async throws { try await channel.closeFuture.get() }

    /// Stops at once: whoever waits for an answer sees the connection close.
    public func stop() async {
        try? await channel.close().get()
        await shared.closeConnections()
    }

    /// What it has seen so far. `withContexts` false leaves out the list that grows with every order.
    public func state(withContexts: Bool = true) -> SandboxState {
        shared.withMarket { market, now in market.state(at: now, withContexts: withContexts) }
    }

    /// - Throws: ``SandboxChangeError`` where a value is impossible; nothing is changed then.
    public func apply(_ change: SandboxChange) throws(SandboxChangeError) {
        try shared.withMarket { market, _ throws(SandboxChangeError) in try market.apply(change) }
    }

    /// Forgets everything, and goes back to the options of the start.
    public func reset() {
        shared.withMarket { [options = shared.options] market, _ in market.reset(to: options) }
    }

    /// What is in store for an order or a return; `nil`: it is there.
    public func missingRule(_ context: SandboxContext) -> MissingRule? {
        shared.withMarket { market, _ in market.missingRule(context) }
    }
}

/// Why a sandbox cannot listen.
public struct SandboxStartError: Error, CustomStringConvertible {
    var host: String
    var port: Int
    var cause: String
    public var description: String {
        "cannot listen on \(host):\(port): \(cause); choose another --port (0: any free one) or another --host"
    }
}

/// Runs `body` beside a sandbox of its own, which is stopped when `body` ends, however it ends.
public func withSandbox<R>(
    _ options: SandboxOptions = SandboxOptions(), isolation: isolated (any Actor)? = #isolation,
    _ body: (MarketSandboxServer) async throws -> R
) async throws -> R {
    let sandbox = try await MarketSandboxServer.start(options)
    do {
        let result = try await body(sandbox)
        await sandbox.stop()
        return result
    } catch {
        await sandbox.stop()
        throw error
    }
}
