import Logging
import Synchronization
import TestSupport
import Testing

@testable import MarketChatd

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct HTTPListenerTests {
    @Test(arguments: [
        ("/healthz", "application/json"), ("/readyz", "application/json"), ("/status.json", "application/json"),
        ("/metrics", "text/plain"), ("/", "text/html"), ("/status.css", "text/css"), ("/status.js", "text/javascript"),
    ])
    func aPathAnswers(path: String, type: String) async throws {
        try await TestListener.run { port in
            let answer = try await PlainHTTP.exchange(
                "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.lowercased().contains("content-type: \(type)"))
            #expect(answer.contains("\r\n\r\n{") == (type == "application/json"))
        }
    }

    @Test func otherPathsAndMethodsAreRefused() async throws {
        try await TestListener.run { port in
            let unknown = try await PlainHTTP.exchange(
                "GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", port: port)
            #expect(unknown.hasPrefix("HTTP/1.1 404"))
            let post = try await PlainHTTP.exchange(
                "POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
                port: port)
            #expect(post.hasPrefix("HTTP/1.1 405"))
            #expect(post.lowercased().contains("\r\nallow: get, head\r\n"))
        }
    }

    @Test func headersBeyondTheLimitAreRefused() async throws {
        try await TestListener.run { port in
            let long = String(repeating: "x", count: HTTPListener.longestHeaders + 1)
            let answer = try await PlainHTTP.exchange(
                "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: \(long)\r\n\r\n", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 400") || answer.isEmpty)
            let fitting = String(repeating: "x", count: HTTPListener.longestHeaders / 2)
            let good = try await PlainHTTP.exchange(
                "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX: \(fitting)\r\n\r\n", port: port)
            #expect(good.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func anAddressInUseIsAConfigurationErrorThatSaysWhatToDo() async throws {
        try await TestListener.run { port in
            let second = TestListener.make(ListenAddress(host: "127.0.0.1", port: port), bound: Latch()) { _ in }
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
        var listener = TestListener.make(ListenAddress(host: host, port: 9464), bound: bound) { _ in }
        listener.logger = logger
        let running = Task { [listener] in try await listener.run() }
        await bound.wait()
        #expect(lines.withLock { $0 } == ["Cannot listen; tried again, and rows are served meanwhile"])
        running.cancel()
        try await running.value
    }
}
