import NIOCore

/// Counts its connection, and closes it where no request comes, and in the end whatever it does.
final class ConnectionLifeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    private let connections: ListenerConnections
    private let limit: TimeAmount
    private let firstRequestLimit: TimeAmount
    private var ends: [Scheduled<Void>] = []

    /// - Parameters:
    ///   - limit: until it is closed, whatever it does.
    ///   - firstRequestLimit: until its first request has to be there.
    init(_ connections: ListenerConnections, limit: TimeAmount, firstRequestLimit: TimeAmount) {
        self.connections = connections
        self.limit = limit
        self.firstRequestLimit = firstRequestLimit
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let (channel, connections) = (context.channel, connections)
        connections.opened(channel)
        channel.closeFuture.whenComplete { _ in connections.closed(channel) }
        ends = [
            context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) },
            context.eventLoop.scheduleTask(in: firstRequestLimit) {
                if !connections.hasAsked(channel) { channel.close(promise: nil) }
            },
        ]
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        for end in ends { end.cancel() }
    }
}
