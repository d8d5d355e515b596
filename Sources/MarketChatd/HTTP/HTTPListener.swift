import ChatOutbox
import ChatSync
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// The daemon's own HTTP listener: `/`, `/status.json`, `/metrics`, `/healthz`, `/readyz`.
///
/// It is small on purpose: it only reads a snapshot, takes no bodies, and bounds its connections in number, in life and
/// in the size of what they may send.
struct HTTPListener: Service {
    /// Above it, the connection that has been idle longest is closed for each new one.
    static let comfortableConnections = 64
    /// At once, where all of them are being answered; more wait in the kernel's queue.
    static let maximumConnections = 80
    /// Until a connection has to have asked for something.
    static let firstRequestTimeout = TimeAmount.seconds(10)
    /// Until a connection that sends nothing is closed.
    static let idleTimeout = TimeAmount.seconds(30)
    /// Until any connection is closed, whatever it does: neither a slow sender nor an endless body stays.
    static let longestConnection = TimeAmount.seconds(120)
    /// Between two tries to listen on an address that is not there.
    static let rebinding = Backoff(base: .seconds(1), max: .seconds(30))
    /// All header fields of a request together, in bytes.
    static let longestHeaders = 16 * 1024

    /// How new the database's part of a report has to be.
    enum DatabaseWish: Sendable {
        /// As it was read last.
        case atHand
        /// Read again where it is old.
        case fresh
    }

    let address: ListenAddress
    /// The snapshot to answer from.
    let status: @Sendable () -> EngineStatus
    /// What the page and `/status.json` show.
    let report: @Sendable (DatabaseWish) async -> StatusReport
    /// What came of the last reload of the keys; `nil`: there was none.
    var reload: @Sendable () -> KeyRing.Reload? = { nil }
    /// Rows of cabinets that nobody serves.
    var unlisted: @Sendable () -> [UnlistedBusiness] = { [] }
    /// Opened once the listener listens, or cannot do so for a reason that is no reason not to work.
    let bound: Latch
    /// Told the address, with the port that the system chose where the configuration has 0.
    let onBound: @Sendable (ListenAddress) -> Void
    let startedAt: WallTime
    var logger: Logger

    /// Listens until it is told to stop. An address that comes late (of a VPN, or by DHCP) is waited for.
    ///
    /// - Throws: ``CommandFailure`` where another program has the address: it may be another daemon.
    func run() async throws {
        let hasListened = Atomic(false)
        var failures = 0
        var lastReason = ""
        while true {
            do {
                return try await listen { hasListened.store(true, ordering: .relaxed) }
            } catch {
                if error is CancellationError || Task.isCancelled { return }
                let code = (error as? IOError)?.errnoCode
                let reason = code.map(systemErrorText) ?? "\(error)"
                // Later than at the start, somebody else may have been given the address for a while.
                let isStart = failures == 0 && !hasListened.load(ordering: .relaxed)
                if code == EADDRINUSE, isStart { throw addressIsInUse(reason) }
                if reason != lastReason { logFailure(reason) }
                lastReason = reason
            }
            bound.open()
            let pause = Self.rebinding.step(attempts: failures)
            failures += 1
            await cancelWhenGracefulShutdown { try? await Task.sleep(for: pause) }
            if Task.isShuttingDownGracefully || Task.isCancelled { return }
        }
    }

    private func listen(onRunning: @escaping @Sendable () -> Void) async throws {
        // What fails at the start is thrown; and what it says when it is cancelled is no error.
        let quiet = logger.quieter(.critical)
        let connections = ListenerConnections(limit: Self.comfortableConnections)
        let target = try await numericAddress()
        let application = Application(
            responder: router(connections).buildResponder(),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [
                        ConnectionLifeHandler(
                            connections, limit: Self.longestConnection, firstRequestLimit: Self.firstRequestTimeout)
                    ],
                    idleTimeout: Self.idleTimeout,
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: Self.longestHeaders, maxHeaderListSize: Self.longestHeaders,
                        maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(
                address: .hostname(target, port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(
                    Self.maximumConnections, logger: quiet)),
            onServerRunning: { channel in
                onRunning()
                onBound(ListenAddress(host: address.host, port: channel.localAddress?.port ?? address.port))
                bound.open()
            },
            logger: quiet)
        try await application.run()
    }

    /// A name is looked up where it may take its time: NIO would do so on a thread that all the work shares.
    private func numericAddress() async throws -> String {
        let (host, port) = (address.host, address.port)
        guard !address.isNumeric else { return host }
        return try await NIOThreadPool.singleton.runIfActive {
            try SocketAddress.makeAddressResolvingHost(host, port: port).ipAddress ?? host
        }
    }

    private func addressIsInUse(_ reason: String) -> CommandFailure {
        CommandFailure(
            .configuration,
            [
                "CHATD_HTTP_LISTEN: cannot listen on \(address): \(printable(reason)): another program listens there"
                    + " (ss -ltnp 'sport = :\(address.port)' shows which); stop it, or set another port, or off"
            ])
    }

    private func logFailure(_ reason: String) {
        logger.error(
            "Cannot listen; tried again, and rows are served meanwhile",
            metadata: [
                "http.address": "\(address)", "error.message": "\(printable(reason))",
                "cure": "set CHATD_HTTP_LISTEN to an address of this machine and a port above 1023, or off",
            ])
    }

    /// For a request from this machine or by an address, only to be read. See ``ListenerRules``.
    private func router(_ connections: ListenerConnections) -> Router<ListenerContext> {
        let router = Router(context: ListenerContext.self, options: .autoGenerateHeadEndpoints)
        router.add(
            middleware: ListenerRules(
                hosts: HostPolicy(configured: address.host, machine: machineName), connections: connections))
        router.get("healthz") { _, _ in Response(Health.answer(for: status())) }
        router.get("readyz") { _, _ in Response(Readiness.answer(for: status())) }
        router.get("metrics") { _, _ in
            let text = MetricsText.render(
                status(), process: .current(startedAt: startedAt), reload: reload(), unlisted: unlisted(), now: .now)
            return Response(StatusAnswer(code: 200, contentType: MetricsText.contentType, body: text))
        }
        router.get("status.json") { request, _ in
            let mayRead = request.uri.queryParameters["with"] == "database"
            return Response(StatusDocument.answer(for: await report(mayRead ? .fresh : .atHand)))
        }
        router.get("/") { request, _ in
            let showsAll = request.uri.queryParameters["show"] == "all"
            return Response(.page(StatusPage(report: await report(.fresh), showsAll: showsAll)))
        }
        for asset in PageAsset.allCases { router.get("\(asset.rawValue)") { _, _ in Response(asset.answer) } }
        return router
    }
}
