import NIOCore
import NIOHTTP1
import NIOPosix

/// One GET to the daemon's own listener, on a connection of its own.
struct LoopbackGet {
    /// The longest body that is read, in bytes.
    private static let longestBody = 64 * 1024

    let address: ListenAddress
    /// For all of it.
    let limit: TimeAmount

    struct Answer: Sendable {
        var status: Int
        var body: String
    }

    /// - Throws: what keeps an answer from coming.
    func get(_ path: String) async throws -> Answer {
        // Who listens everywhere is asked on this machine.
        let host = ["0.0.0.0": "127.0.0.1", "::": "::1"][address.host] ?? address.host
        let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: Answer.self)
        let channel: any Channel
        do {
            channel = try await connect(to: host, promise)
        } catch {
            promise.fail(error)
            throw error
        }
        let timer = channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
        defer {
            timer.cancel()
            channel.close(promise: nil)
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: path,
            headers: ["Host": ListenAddress(host: host, port: address.port).description, "Connection": "close"])
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        try await channel.writeAndFlush(HTTPClientRequestPart.end(nil))
        return try await promise.futureResult.get()
    }

    private func connect(to host: String, _ promise: EventLoopPromise<Answer>) async throws -> any Channel {
        try await ClientBootstrap(group: promise.futureResult.eventLoop)
            .connectTimeout(limit)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(
                        AnswerHandler(promise: promise, longestBody: Self.longestBody))
                }
            }
            .connect(host: host, port: address.port).get()
    }
}

/// Gathers one answer.
private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let promise: EventLoopPromise<LoopbackGet.Answer>
    private let longestBody: Int
    private var status = 0
    private var body = ""

    init(promise: EventLoopPromise<LoopbackGet.Answer>, longestBody: Int) {
        self.promise = promise
        self.longestBody = longestBody
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = Int(head.status.code)
        case .body(let part):
            body += String(buffer: part)
            if body.utf8.count > longestBody { context.close(promise: nil) }
        case .end: promise.succeed(LoopbackGet.Answer(status: status, body: body))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
