import NIOCore
import Synchronization

/// What all connections share: the Market behind a lock, and the list of those that are open.
final class ServerState: Sendable {
    let options: SandboxOptions
    let log: (@Sendable (SandboxLogEntry) -> Void)?
    private let market: Mutex<SandboxMarket>
    private let connections = Mutex<[ObjectIdentifier: any Channel]>([:])

    init(options: SandboxOptions, log: (@Sendable (SandboxLogEntry) -> Void)?) {
        self.options = options
        self.log = log
        market = Mutex(SandboxMarket(options: options))
    }

    /// Runs a rule now.
    func withMarket<R: Sendable, E: Error>(
        _ body: (inout SandboxMarket, SandboxMoment) throws(E) -> sending R
    ) throws(E) -> R {
        try market.withLock { market throws(E) in
            try body(&market, SandboxMoment.now(offset: options.clockOffset))
        }
    }

    func opened(_ channel: any Channel) {
        connections.withLock { $0[ObjectIdentifier(channel)] = channel }
    }

    func closed(_ channel: any Channel) {
        connections.withLock { $0[ObjectIdentifier(channel)] = nil }
    }

    /// Closes whatever is open, and comes back when it is.
    func closeConnections() async {
        for channel in connections.withLock({ Array($0.values) }) {
            channel.close(promise: nil)
            try? await channel.closeFuture.get()
        }
    }
}

/// One exchange, for a line of log.
public struct SandboxLogEntry: Sendable {
    public var method: String
    public var target: String
    /// At most the first 200 bytes.
    public var body: String
    public var status: Int
    /// The reply as it was delivered, in a word; empty where all of it was.
    public var delivery: String
    /// From the first byte of the request to the answer.
    public var milliseconds: Double
}
