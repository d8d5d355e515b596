import Glibc
import Synchronization
import TestSupport
import Testing

@testable import MarketChatd

/// What strangers can do to the listener, and what browsers are told.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct ListenerHardeningTests {
    private static let policy = HostPolicy(configured: "Status.Shop.example.", machine: "db1.corp.example")

    @Test(arguments: [
        "localhost", "LOCALHOST", "localhost:9464", "localhost.", "localhost.:80", "127.0.0.1", "127.0.0.1:9464",
        "10.0.0.7:1", "[::1]", "[::1]:9464", "[fe80::1%25eth0]:9464", "[2001:DB8::1]", "status.shop.example",
        "status.shop.example:9464", "db1", "db1.corp.example.", "127.0.0.1:",
    ])
    func theseNamesAreOurs(host: String) {
        #expect(Self.policy.allows(host))
    }

    @Test(arguments: [
        "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:9464", "127.0.0.300", "127.1",
        "0x7f000001", "2130706433", "::1", "[::1", "[::1]x", "[::1]:80:80", "[localhost]", "[127.0.0.1]", ":9464",
        "localhost:80x", "localhost:-1", "localhost:123456", "user@localhost", "localhost/", " localhost",
        "db1.evil.example",
        "status.shop.example.evil.example", ".", "..", "localhost..", "lоcalhost", "[]", "[:]",
    ])
    func theseAreNot(host: String) {
        #expect(!Self.policy.allows(host))
    }

    @Test func whoeverSendsNoHostIsNoBrowser() {
        #expect(Self.policy.allows(nil) && Self.policy.allows(""))
        #expect(!HostPolicy(configured: "0.0.0.0", machine: "").allows("."), "an empty machine name allows nothing")
    }

    @Test(arguments: ["/", "/status.json", "/metrics", "/healthz", "/readyz", "/nothing"])
    func aStrangersNameGetsNothingButTheReason(path: String) async throws {
        try await TestListener.run { port in
            let answer = try await PlainHTTP.get(path, host: "evil.example:\(port)", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 421"))
            #expect(answer.lowercased().contains("content-type: text/plain"))
            #expect(answer.contains("CHATD_HTTP_LISTEN"))
            #expect(!answer.contains("evil.example"), "nothing that was sent comes back")
        }
    }

    @Test func aRequestOfHTTP10WithoutAHostIsAnswered() async throws {
        try await TestListener.run { port in
            let answer = try await PlainHTTP.exchange("GET /healthz HTTP/1.0\r\nConnection: close\r\n\r\n", port: port)
            #expect(answer.contains(" 200 OK\r\n"))
            let bare = try await PlainHTTP.get("/healthz", host: nil, port: port)
            #expect(bare.contains(" 200 OK\r\n"))
        }
    }

    @Test(arguments: ["/", "/status.json", "/metrics", "/healthz", "/readyz", "/nothing", "/status.js"])
    func everyAnswerTellsTheBrowserToBeCareful(path: String) async throws {
        try await TestListener.run { port in
            let answer = try await PlainHTTP.get(path, port: port)
            let fields = answer.lowercased().split(separator: "\r\n\r\n")[0].split(separator: "\r\n")
            for field in [
                "x-content-type-options: nosniff", "cache-control: no-store", "referrer-policy: no-referrer",
                "x-frame-options: deny",
            ] {
                #expect(fields.contains(Substring(field)), "\(field)")
            }
            let policy = try #require(fields.first { $0.hasPrefix("content-security-policy: ") })
            for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
                #expect(policy.contains(part))
            }
            #expect(!policy.contains("unsafe") && !policy.contains("*"))
            #expect(policy.contains("script-src 'self'") == (path == "/"))
        }
    }

    @Test func headHasNoBody() async throws {
        try await TestListener.run { port in
            let answer = try await PlainHTTP.exchange(
                "HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("\r\n\r\n"))
        }
    }

    @Test(arguments: ["DELETE", "PUT", "OPTIONS", "TRACE", "BREW"])
    func otherMethodsAreRefused(method: String) async throws {
        try await TestListener.run { port in
            let answer = try await PlainHTTP.exchange(
                "\(method) /status.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 405") || answer.hasPrefix("HTTP/1.1 400"))
        }
    }

    /// Silent ones, ones that began a request, and ones that had an answer and stay.
    @Test(arguments: ["", "GET /healthz HTTP/1.1\r\nHost: loc", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
    func peersThatOnlySitThereStarveNobody(sent: String) async throws {
        try await TestListener.run { port in
            var peers: [CInt] = []
            defer { for peer in peers { close(peer) } }
            for _ in 0..<(HTTPListener.maximumConnections * 3) {
                peers.append(try PlainHTTP.connect(port: port, sending: sent))
            }
            let start = ContinuousClock.now
            let answer = try await PlainHTTP.get("/healthz", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }

    @Test func aNewcomerIsAnsweredWhileAllOthersAreBusy() async throws {
        let gate = Latch()
        let busy = Mutex(0)
        let report: @Sendable (HTTPListener.DatabaseWish) async -> StatusReport = { _ in
            busy.withLock { $0 += 1 }
            await gate.wait()
            return TestListener.report()
        }
        try await TestListener.run(report: report) { port in
            defer { gate.open() }
            var peers: [CInt] = []
            defer { for peer in peers { close(peer) } }
            for count in 1...HTTPListener.comfortableConnections {
                peers.append(
                    try PlainHTTP.connect(port: port, sending: "GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                while busy.withLock({ $0 }) < count { try await Task.sleep(for: .milliseconds(1)) }
            }
            #expect(try await PlainHTTP.get("/healthz", port: port).hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func whatIsBeingAnsweredIsNotClosedForNewcomers() async throws {
        let gate = Latch()
        let report: @Sendable (HTTPListener.DatabaseWish) async -> StatusReport = { _ in
            await gate.wait()
            return TestListener.report()
        }
        try await TestListener.run(report: report) { port in
            let slow = try PlainHTTP.connect(
                port: port, sending: "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            defer { close(slow) }
            // Answered, so the one above was read before.
            _ = try await PlainHTTP.get("/healthz", port: port)
            var peers: [CInt] = []
            defer { for peer in peers { close(peer) } }
            for _ in 0..<HTTPListener.maximumConnections { peers.append(try PlainHTTP.connect(port: port)) }
            _ = try await PlainHTTP.get("/healthz", port: port)
            gate.open()
            let answer = await readSome(slow)
            #expect(answer?.hasPrefix("HTTP/1.1 200") == true)
        }
    }
}
