import Glibc
import Logging
import ServiceLifecycle
import Synchronization

@testable import ChatSync
@testable import MarketChatd

/// A listener of a daemon that serves nobody.
enum TestListener {
    private static let logger = Logger(label: "test", output: LogOutput { _ in }, level: .critical)
    static let status = EngineStatus(phase: .running, database: .connected, businesses: [], isMakingProgress: true)

    static func report(_ part: StatusReport.DatabasePart = .unread) -> StatusReport {
        StatusReport(engine: status, databasePart: part, listed: [], host: "test", now: .now)
    }

    static func make(
        _ address: ListenAddress, bound: Latch,
        report: @escaping @Sendable (HTTPListener.DatabaseWish) async -> StatusReport = { _ in report() },
        onBound: @escaping @Sendable (ListenAddress) -> Void
    ) -> HTTPListener {
        HTTPListener(
            address: address, status: { status }, report: report, bound: bound, onBound: onBound, startedAt: .now,
            logger: logger)
    }

    /// Runs one on a port of the system's choice beside `body`.
    static func run(
        report: @escaping @Sendable (HTTPListener.DatabaseWish) async -> StatusReport = { _ in report() },
        _ body: @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let bound = Latch()
        let port = Mutex(0)
        let listener = make(ListenAddress(host: "127.0.0.1", port: 0), bound: bound, report: report) { address in
            port.withLock { $0 = address.port }
        }
        let group = ServiceGroup(configuration: .init(services: [listener], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            await bound.wait()
            try await body(port.withLock { $0 })
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}

/// Requests by plain sockets: no client of ours stands between.
enum PlainHTTP {
    struct Failure: Error { var code: Int32 }

    /// Sends `text`, and returns all that comes until the server closes, or nothing came for a while.
    static func exchange(_ text: String, port: Int) async throws -> String {
        let descriptor = try connect(port: port, sending: text)
        defer { close(descriptor) }
        var answer = ""
        while let part = await readSome(descriptor) { answer += part }
        return answer
    }

    /// A GET of a well-meaning client.
    static func get(_ path: String, host: String? = "127.0.0.1", port: Int) async throws -> String {
        let field = host.map { "Host: \($0)\r\n" } ?? ""
        return try await exchange("GET \(path) HTTP/1.1\r\n\(field)Connection: close\r\n\r\n", port: port)
    }

    /// - Returns: a socket that is connected and has sent `text`; to be closed by the caller.
    static func connect(port: Int, sending text: String = "") throws -> CInt {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let bytes = Array(text.utf8)
        guard connected == 0, send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            let code = errno
            close(descriptor)
            throw Failure(code: code)
        }
        return descriptor
    }
}
