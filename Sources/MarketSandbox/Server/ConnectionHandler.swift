import Glibc
import NIOCore
import NIOHTTP1

/// One connection: collects a request, has it admitted, waits for as long as it takes, has it settled, and answers.
///
/// Everything happens on the connection's event loop, without a hop to another thread: a reaction of milliseconds is
/// measured against this server. When the client leaves first, its request is settled at once and the answer dropped.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// The Market takes 512 KB.
    static let bodyLimit = 512 * 1024
    /// Whoever sends more than this is not heard out.
    static let patience = 64 * 1024 * 1024

    private let shared: ServerState
    private let stamp: ArrivalStamp
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var bodyBytes = 0
    private var arrival: UInt64 = 0
    private var waiting: (admitted: AdmittedRequest, timer: Scheduled<Void>)?

    init(shared: ServerState, stamp: ArrivalStamp) {
        self.shared = shared
        self.stamp = stamp
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            arrival = stamp.take()
            self.head = head
            (body, bodyBytes) = ([], 0)
        case .body(let part):
            bodyBytes += part.readableBytes
            if bodyBytes <= Self.bodyLimit { body += part.readableBytesView } else { body = [] }
            if bodyBytes > Self.patience { context.close(promise: nil) }
        case .end:
            guard let head else { return }
            stamp.clear()
            answer(head, context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let (admitted, timer) = waiting {
            timer.cancel()
            waiting = nil
            _ = shared.withMarket { market, now in market.settle(admitted, at: now) }
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if head.uri == "/sandbox" || head.uri.hasPrefix("/sandbox/") || head.uri.hasPrefix("/sandbox?") {
            let isLocal = context.remoteAddress.map(Self.isLoopback) ?? false
            let page = SandboxPages(shared: shared).answer(request(head), isLocal: isLocal)
            return write(page, keepsAlive: head.isKeepAlive, context)
        }
        let request = request(head)
        let admitted = shared.withMarket { [arrival] market, now in market.admit(request, arrival: arrival, at: now) }
        guard admitted.delay > .zero else { return settle(admitted, head, context) }
        let timer = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(admitted.delay.nanoseconds)) {
            self.waiting = nil
            self.settle(admitted, head, context)
        }
        waiting = (admitted, timer)
    }

    private func request(_ head: HTTPRequestHead) -> SandboxRequest {
        SandboxRequest(
            method: head.method.rawValue, target: head.uri, apiKey: head.headers.first(name: "Api-Key"),
            authorization: head.headers.first(name: "Authorization"),
            contentType: head.headers.first(name: "Content-Type"), body: body, isTooLong: bodyBytes > Self.bodyLimit)
    }

    private func settle(_ admitted: AdmittedRequest, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let reply = shared.withMarket { market, now in market.settle(admitted, at: now) }
        if let log = shared.log {
            let delivery =
                switch reply.delivery {
                case .whole: ""
                case .cut(let bytes): "cut after \(bytes) bytes"
                case .nothing: "reset"
                }
            log(
                SandboxLogEntry(
                    method: head.method.rawValue, target: head.uri,
                    body: String(decoding: body.prefix(200), as: UTF8.self), status: reply.status, delivery: delivery,
                    milliseconds: Double(SandboxMoment.monotonicNow() &- arrival) / 1e6))
        }
        write(reply, keepsAlive: shared.options.keepAlive && head.isKeepAlive, context)
    }

    private func write(_ reply: SandboxReply, keepsAlive: Bool, _ context: ChannelHandlerContext) {
        if reply.delivery == .nothing { return reset(context) }
        var head = HTTPResponseHead(version: .http1_1, status: Self.status(reply.status))
        for header in reply.headers { head.headers.add(name: header.name, value: header.value) }
        head.headers.add(name: "Content-Length", value: "\(reply.body.count)")
        if !keepsAlive { head.headers.add(name: "Connection", value: "close") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        var isCut = false
        var body = reply.body[...]
        if case .cut(let bytes) = reply.delivery { (isCut, body) = (true, body.prefix(bytes)) }
        let last = isCut || keepsAlive ? nil : context.eventLoop.makePromise(of: Void.self)
        let part = HTTPServerResponsePart.body(.byteBuffer(context.channel.allocator.buffer(bytes: body)))
        if isCut {
            return context.writeAndFlush(wrapOutboundOut(part)).assumeIsolated().whenComplete { _ in
                context.close(promise: nil)
            }
        }
        context.write(wrapOutboundOut(part), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: last)
        last?.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    /// Lingering for no time makes the close a reset rather than an orderly end.
    private func reset(_ context: ChannelHandlerContext) {
        guard let socket = context.channel as? any SocketOptionProvider else { return context.close(promise: nil) }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    private static func status(_ code: Int) -> HTTPResponseStatus {
        code == 420 ? .custom(code: 420, reasonPhrase: "Enhance Your Calm") : HTTPResponseStatus(statusCode: code)
    }

    private static func isLoopback(_ address: SocketAddress) -> Bool {
        guard let host = address.ipAddress else { return false }
        return host.hasPrefix("127.") || host == "::1" || host.hasPrefix("::ffff:127.")
    }
}
