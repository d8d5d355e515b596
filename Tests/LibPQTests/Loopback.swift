import Dispatch
import Glibc

/// Takes connections on a port of a loopback address, each on a thread of its own.
final class Loopback: Sendable {
    let port: UInt16
    private let listener: Int32

    /// - Parameters:
    ///   - host: the last number of the address, 127.0.0.x.
    ///   - port: any free one where it is 0.
    ///   - serve: is given a connection, which is closed when it returns.
    init(host: UInt8 = 1, port: UInt16 = 0, serve: @escaping @Sendable (Stream) -> Void) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = (UInt32(0x7f00_0000) + UInt32(host)).bigEndian
        address.sin_port = port.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = bind(listener, address, length)
                _ = listen(listener, 64)
                _ = getsockname(listener, address, &length)
            }
        }
        self.listener = listener
        self.port = UInt16(bigEndian: address.sin_port)
        DispatchQueue(label: "loopback").async {
            while case let descriptor = accept(listener, nil, nil), descriptor >= 0 {
                DispatchQueue(label: "loopback connection").async {
                    serve(Stream(descriptor: descriptor))
                    close(descriptor)
                }
            }
            close(listener)
        }
    }

    /// Takes no more connections.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
    }
}

/// A connected socket, with calls that block.
struct Stream: Sendable {
    let descriptor: Int32

    /// The server of a cluster that listens in this directory.
    init?(unixSocketAt path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard isConnected else { return nil }
    }

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Some bytes; none at the end.
    func readSome(atMost limit: Int = 65_536) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            count = max(0, recv(descriptor, buffer.baseAddress, limit, 0))
        }
    }

    /// `nil` where the stream ends before.
    func read(exactly count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = readSome(atMost: count - bytes.count)
            guard !more.isEmpty else { return nil }
            bytes += more
        }
        return bytes
    }

    func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Wakes whoever reads, at both ends.
    func end() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}
