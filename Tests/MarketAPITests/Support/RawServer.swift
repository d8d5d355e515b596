import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A TCP server that records requests and answers with scripted bytes, well-formed or not.
final class RawServer: Sendable {
    enum Step: Sendable {
        case send(String)
        case sendBytes([UInt8])
        /// Until the client goes away.
        case drip(String, every: Duration)
        case pause(Duration)
        case close
        /// Closes with RST instead of FIN.
        case reset
    }

    struct Request: Sendable {
        /// Request line and headers, as they came, without the empty line.
        var head: String
        var body: String
        /// Counted from 0.
        var connection: Int

        var lines: [String] { head.split(separator: "\r\n").map(String.init) }

        func header(_ name: String) -> [String] {
            lines.dropFirst().compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
                return parts[1].trimmingPrefix(" ").description
            }
        }
    }

    typealias Script = @Sendable (_ request: Request) -> [Step]

    struct State {
        var requests: [Request] = []
        var accepted = 0
        var open = 0
        var mostOpen = 0
    }

    /// Shared with the connections' handlers, which may be there before the server object is.
    final class Shared: Sendable {
        let state = Mutex(State())
    }

    let port: Int
    private let channel: any Channel
    private let shared: Shared

    private init(channel: any Channel, shared: Shared) {
        self.channel = channel
        self.port = channel.localAddress?.port ?? 0
        self.shared = shared
    }

    var requests: [Request] { shared.state.withLock { $0.requests } }
    var accepted: Int { shared.state.withLock { $0.accepted } }
    var open: Int { shared.state.withLock { $0.open } }
    var mostOpen: Int { shared.state.withLock { $0.mostOpen } }

    var url: String { "http://127.0.0.1:\(port)" }

    /// - Parameters:
    ///   - onConnect: is played before any request, on every connection.
    ///   - script: is asked for each request.
    static func start(
        tls: NIOSSLContext? = nil, onConnect: [Step] = [], script: @escaping Script
    ) async throws -> RawServer {
        let shared = Shared()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.addHandler(RawConnection(shared: shared, onConnect: onConnect, script: script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawServer(channel: channel, shared: shared)
    }

    func stop() async {
        try? await channel.close()
    }
}

/// One connection of a ``RawServer``: gathers a request, then plays its steps.
private final class RawConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let shared: RawServer.Shared
    private let onConnect: [RawServer.Step]
    private let script: RawServer.Script
    private var received: [UInt8] = []
    private var number = 0
    private var isCounted = false

    init(shared: RawServer.Shared, onConnect: [RawServer.Step], script: @escaping RawServer.Script) {
        self.shared = shared
        self.onConnect = onConnect
        self.script = script
    }

    func channelActive(context: ChannelHandlerContext) {
        number = shared.state.withLock { state in
            state.accepted += 1
            state.open += 1
            state.mostOpen = max(state.mostOpen, state.open)
            return state.accepted - 1
        }
        isCounted = true
        play(onConnect[...], on: context.channel)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isCounted { shared.state.withLock { $0.open -= 1 } }
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.append(contentsOf: unwrapInboundIn(data).readableBytesView)
        while let request = takeRequest() {
            shared.state.withLock { $0.requests.append(request) }
            play(script(request)[...], on: context.channel)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func takeRequest() -> RawServer.Request? {
        let emptyLine = Array("\r\n\r\n".utf8)
        guard let headLength = received.indices.first(where: { received[$0...].starts(with: emptyLine) }) else {
            return nil
        }
        let head = String(decoding: received[..<headLength], as: UTF8.self)
        var request = RawServer.Request(head: head, body: "", connection: number)
        let bodyStart = headLength + emptyLine.count
        let bodyEnd = bodyStart + (request.header("Content-Length").first.flatMap { Int($0) } ?? 0)
        guard received.count >= bodyEnd else { return nil }
        request.body = String(decoding: received[bodyStart..<bodyEnd], as: UTF8.self)
        received.removeFirst(bodyEnd)
        return request
    }

    private func play(_ steps: ArraySlice<RawServer.Step>, on channel: any Channel) {
        guard let step = steps.first, channel.isActive else { return }
        let rest = steps.dropFirst()
        let loop = channel.eventLoop.assumeIsolated()
        switch step {
        case .send(let text):
            channel.writeAndFlush(ByteBuffer(string: text)).assumeIsolated().whenSuccess {
                self.play(rest, on: channel)
            }
        case .sendBytes(let bytes):
            channel.writeAndFlush(ByteBuffer(bytes: bytes)).assumeIsolated().whenSuccess {
                self.play(rest, on: channel)
            }
        case .drip(let text, let interval):
            // Only what has gone out is followed by more, or a slow client would fill this process's memory.
            channel.writeAndFlush(ByteBuffer(string: text)).assumeIsolated().whenSuccess {
                loop.scheduleTask(in: TimeAmount(interval)) { self.play(steps, on: channel) }
            }
        case .pause(let time):
            loop.scheduleTask(in: TimeAmount(time)) { self.play(rest, on: channel) }
        case .close:
            channel.close(promise: nil)
        case .reset:
            // Lingering for no time at all makes close() send RST.
            guard let options = channel as? any SocketOptionProvider else { return }
            options.unsafeSetSocketOption(level: .socket, name: .so_linger, value: Linger()).whenComplete { _ in
                channel.close(promise: nil)
            }
        }
    }

    /// `struct linger`, switched on with no time.
    private struct Linger: Sendable {
        var isOn: CInt = 1
        var seconds: CInt = 0
    }
}
