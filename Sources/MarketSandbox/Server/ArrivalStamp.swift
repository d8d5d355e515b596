import NIOCore

/// When a connection's current request began to arrive: stamped as its first bytes are read, before they are parsed.
final class ArrivalStamp: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var monotonicNanoseconds: UInt64?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if monotonicNanoseconds == nil { monotonicNanoseconds = SandboxMoment.monotonicNow() }
        context.fireChannelRead(data)
    }

    /// The stamp of the request whose head was just read; the next bytes belong to the next one.
    func take() -> UInt64 {
        defer { monotonicNanoseconds = nil }
        return monotonicNanoseconds ?? SandboxMoment.monotonicNow()
    }

    /// The bytes since then were the rest of the same request.
    func clear() { monotonicNanoseconds = nil }
}
