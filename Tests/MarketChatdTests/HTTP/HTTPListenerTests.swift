import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import ChatSync
@testable import MarketChatd

@Suite(.seated) struct HTTPListenerTests {
    private let logger = Logger(label: "test", output: LogOutput { _ in }, level: .critical)

    private func listener(_ address: ListenAddress, bound: Latch, onBound: @escaping @Sendable (ListenAddress) -> Void)
        -> HTTPListener
    {
        let status = EngineStatus(phase: .running, database: .connected, businesses: [], isMakingProgress: true)
        return HTTPListener(
            address: address, status: { status },
            report: { _ in
                StatusReport(engine: status, databasePart: .unread, listed: [], host: "test", now: .now)
            }, bound: bound, onBound: onBound, startedAt: .now, logger: logger)
    }

    /// Runs a listener on a port of the system's choice beside `body`.
    private func withListener(_ body: @Sendable (_ port: Int) async throws -> Void) async throws {
        let bound = Latch()
        let port = Mutex(0)
        let listener = listener(ListenAddress(host: "127.0.0.1", port: 0), bound: bound) { address in
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

    @Test(arguments: [
        ("/healthz", "application/json"), ("/readyz", "application/json"), ("/status.json", "application/json"),
        ("/metrics", "text/plain"),
    ])
    func aPathAnswers(path: String, type: String) async throws {
        try await withListener { port in
            let answer = try await PlainHTTP.exchange(
                "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.lowercased().contains("content-type: \(type)"))
            #expect(answer.contains("\r\n\r\n{") || path == "/metrics")
        }
    }

    @Test func otherPathsAndMethodsAreRefused() async throws {
        try await withListener { port in
            let unknown = try await PlainHTTP.exchange(
                "GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", port: port)
            #expect(unknown.hasPrefix("HTTP/1.1 404"))
            let post = try await PlainHTTP.exchange(
                "POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
                port: port)
            #expect(post.hasPrefix("HTTP/1.1 404") || post.hasPrefix("HTTP/1.1 405"))
        }
    }

    @Test func headersBeyondTheLimitAreRefused() async throws {
        try await withListener { port in
            let long = String(repeating: "x", count: HTTPListener.longestHeaders + 1)
            let answer = try await PlainHTTP.exchange(
                "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: \(long)\r\n\r\n", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 400") || answer.isEmpty)
        }
    }

    @Test func anAddressInUseIsAConfigurationErrorThatSaysWhatToDo() async throws {
        try await withListener { port in
            let second = listener(ListenAddress(host: "127.0.0.1", port: port), bound: Latch()) { _ in }
            let failure = await #expect(throws: CommandFailure.self) { try await second.run() }
            #expect(failure?.status == .configuration)
            #expect(failure?.messages.count == 1)
            #expect(failure?.messages.first?.contains("cannot listen on 127.0.0.1:\(port)") == true)
            #expect(failure?.messages.first?.contains("ss -ltnp 'sport = :\(port)'") == true)
        }
    }

    /// An address of a VPN, or by DHCP, may come late: rows are served meanwhile.
    @Test(arguments: ["192.0.2.1", "no-such-host.invalid"])
    func anAddressThatIsNotThereIsWaitedForAndHoldsUpNobody(host: String) async throws {
        let bound = Latch()
        let lines = Mutex<[String]>([])
        let logger = Logger(
            label: "test", output: LogOutput { record in lines.withLock { $0.append(record.message) } }, level: .info)
        var listener = listener(ListenAddress(host: host, port: 9464), bound: bound) { _ in }
        listener.logger = logger
        let running = Task { [listener] in try await listener.run() }
        await bound.wait()
        #expect(lines.withLock { $0 } == ["Cannot listen; tried again, and rows are served meanwhile"])
        running.cancel()
        try await running.value
    }
}

/// One request by plain sockets: no client of ours stands between.
enum PlainHTTP {
    struct Failure: Error { var code: Int32 }

    /// Sends `text`, and returns all that comes until the server closes, or nothing came for a while.
    static func exchange(_ text: String, port: Int) async throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure(code: errno) }
        let bytes = Array(text.utf8)
        guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failure(code: errno)
        }
        var answer = ""
        while let part = await readSome(descriptor) { answer += part }
        return answer
    }
}
