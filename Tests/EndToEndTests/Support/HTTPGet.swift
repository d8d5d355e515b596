import Glibc

/// An HTTP answer, read to the end of its connection.
struct HTTPAnswer: Sendable {
    var status: Int
    var body: String
}

/// A listener on 127.0.0.1.
struct HTTPListenerAddress: Sendable {
    var port: UInt16

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// - Parameter text: such as `127.0.0.1:9464`.
    init(_ text: String?) throws {
        guard let text, text.hasPrefix("127.0.0.1:"), let port = UInt16(text.dropFirst(10)), port > 0 else {
            throw Failure(description: "no address of 127.0.0.1: \(text ?? "none")")
        }
        self.port = port
    }

    /// Asks for a page, and waits 10 s at most.
    func get(_ path: String) throws -> HTTPAnswer {
        let socket = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw Failure(description: "no socket") }
        defer { close(socket) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw Failure(description: "port \(port): \(String(cString: strerror(errno)))") }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".utf8)
        guard send(socket, request, request.count, CInt(MSG_NOSIGNAL)) == request.count else {
            throw Failure(description: "\(path): the request was not sent")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = recv(socket, &chunk, chunk.count, 0), count > 0 { bytes += chunk[..<count] }
        let text = String(decoding: bytes, as: UTF8.self)
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
        guard words.count > 1, let status = Int(words[1]), let end = text.firstRange(of: "\r\n\r\n") else {
            throw Failure(description: "\(path): no answer: \(text)")
        }
        return HTTPAnswer(status: status, body: String(text[end.upperBound...]))
    }
}
