import Glibc

/// A socket that sends datagrams to one address of this machine, and never waits: for the journal and for systemd's
/// notifications.
final class DatagramSocket: Sendable {
    private let descriptor: Int32
    private let path: [UInt8]

    /// - Parameter path: a file's path, or an abstract name that begins with `@`.
    /// - Returns: `nil` where the path is too long for a socket's address, or no socket is to be had.
    init?(path: String) {
        var bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < UnixAddress.longestPath else { return nil }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
        self.path = bytes
    }

    deinit {
        close(descriptor)
    }

    /// Sends one datagram, or fails at once.
    ///
    /// - Returns: 0, or the system's error code.
    func send(_ bytes: [UInt8]) -> Int32 {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return UnixAddress.with(path: path) { address, length in
            while true {
                let sent = sendto(descriptor, bytes, bytes.count, flags, address, length)
                if sent >= 0 { return 0 }
                if errno != EINTR { return errno }
            }
        }
    }
}
