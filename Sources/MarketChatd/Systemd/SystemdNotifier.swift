import Dispatch
import Glibc

/// Tells systemd how the service is, by datagrams to `$NOTIFY_SOCKET`. Without systemd it does nothing.
///
/// Source: sd_notify(3). Nothing depends on an answer: a message that cannot be sent is lost.
struct SystemdNotifier: Sendable {
    private let socket: DatagramSocket?

    init(socketPath: String?) {
        // A path of another kind (vsock: of virtual machines) is not for services.
        let isSupported = socketPath.map { $0.hasPrefix("/") || $0.hasPrefix("@") } ?? false
        socket = isSupported ? socketPath.flatMap(DatagramSocket.init) : nil
    }

    init(environment: [String: String]) {
        self.init(socketPath: environment["NOTIFY_SOCKET"])
    }

    /// Whether anybody listens.
    var isActive: Bool { socket != nil }

    /// What can be told.
    enum Message: Sendable, Equatable {
        case ready
        case stopping
        /// With the monotonic clock's time, which systemd 253 and newer need to match it with its own request.
        case reloading(monotonicMicroseconds: UInt64)
        case status(String)
        case watchdog
        /// Asks that the running start or stop be given so much time from now.
        case extendTimeout(Duration)
    }

    /// Sends several messages in one datagram: systemd sees them together.
    func send(_ messages: Message...) {
        guard let socket, !messages.isEmpty else { return }
        _ = socket.send(Array(messages.map(Self.text).joined(separator: "\n").utf8))
    }

    static func text(of message: Message) -> String {
        switch message {
        case .ready: "READY=1"
        case .stopping: "STOPPING=1"
        case .reloading(let microseconds): "RELOADING=1\nMONOTONIC_USEC=\(microseconds)"
        // A line end in it would begin another message.
        case .status(let text): "STATUS=\(printable(text, limit: 500))"
        case .watchdog: "WATCHDOG=1"
        case .extendTimeout(let duration): "EXTEND_TIMEOUT_USEC=\(max(0, duration.wholeMilliseconds) * 1000)"
        }
    }

    /// The clock that `MONOTONIC_USEC` is about: Dispatch reads CLOCK_MONOTONIC.
    static var monotonicMicroseconds: UInt64 {
        DispatchTime.now().uptimeNanoseconds / 1000
    }
}
