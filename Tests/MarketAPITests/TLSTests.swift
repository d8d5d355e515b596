import MarketAPI
import NIOSSL
import TestSupport
import Testing

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct TLSTests {
    /// One `createChat` over TLS against a server that has a certificate for `names`.
    private func exchange(
        names: String, host: String = "localhost", isTrusted: Bool = true,
        serverTLS: (inout TLSConfiguration) -> Void = { _ in }
    ) async throws -> (answer: MarketAnswer<CreatedChat>, requests: Int) {
        let certificate = try TestCertificate(names: names)
        defer { certificate.remove() }
        let server = try await RawServer.start(tls: try certificate.serverContext(serverTLS)) { _ in [.send(chat7)] }
        let reply = try await withClient(
            url: "https://\(host):\(server.port)", trustRootsFile: isTrusted ? certificate.certificateFile : nil
        ) { await $0.createChat(someChat) }
        await server.stop()
        return (reply.answer, server.requests.count)
    }

    @Test(arguments: [("DNS:localhost", "localhost"), ("IP:127.0.0.1", "127.0.0.1")])
    func aCertificateOfTheCAFileIsTrusted(names: String, host: String) async throws {
        let (answer, requests) = try await exchange(names: names, host: host)
        #expect(answer == .ok(CreatedChat(chatID: 7)))
        #expect(requests == 1)
    }

    @Test func anUnknownCertificateIsRefusedBeforeAnythingIsSent() async throws {
        let (answer, requests) = try await exchange(names: "DNS:localhost", isTrusted: false)
        #expect(answer == .failed(.insecure("the TLS handshake failed: CERTIFICATE_VERIFY_FAILED")))
        #expect(requests == 0)
    }

    @Test(arguments: [
        ("DNS:other.example", "localhost"), ("DNS:localhost", "127.0.0.1"), ("IP:127.0.0.2", "127.0.0.1"),
    ])
    func aCertificateForAnotherHostIsRefused(names: String, host: String) async throws {
        let (answer, requests) = try await exchange(names: names, host: host)
        #expect(answer == .failed(.insecure("the server's certificate is not for this host")))
        #expect(requests == 0)
    }

    @Test func http2IsNotSpokenEvenWhereTheServerOffersIt() async throws {
        let (answer, requests) = try await exchange(names: "DNS:localhost") { tls in
            tls.applicationProtocols = ["h2", "http/1.1"]
        }
        #expect(answer == .ok(CreatedChat(chatID: 7)))
        #expect(requests == 1)
    }

    @Test func aServerThatKnowsOnlyOldTLSIsRefused() async throws {
        let (answer, requests) = try await exchange(names: "DNS:localhost") { tls in
            tls.minimumTLSVersion = .tlsv1
            tls.maximumTLSVersion = .tlsv11
        }
        guard case .failed(.insecure) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(requests == 0)
    }

    @Test func aServerThatDoesNotSpeakTLSIsRefused() async throws {
        try await withServer(onConnect: [.send("HTTP/1.1 400 Bad Request\r\n\r\n")]) { server in
            let reply = try await withClient(url: "https://127.0.0.1:\(server.port)") { await $0.createChat(someChat) }
            #expect(reply.answer == .failed(.insecure("the TLS handshake failed: WRONG_VERSION_NUMBER")))
        }
    }

    @Test func aServerThatHangsUpInTheHandshakeHasNotSeenTheRequest() async throws {
        try await withServer(onConnect: [.pause(.milliseconds(20)), .close]) { server in
            let reply = try await withClient(url: "https://127.0.0.1:\(server.port)") { await $0.createChat(someChat) }
            let text = "the server closed the connection in the TLS handshake"
            #expect(reply.answer == .failed(.notConnected(text)))
        }
    }

    @Test func aResetInTheHandshakeIsALostConnection() async throws {
        // The library's error does not say how far the connection was, so the careful meaning is taken.
        try await withServer(onConnect: [.pause(.milliseconds(20)), .reset]) { server in
            let reply = try await withClient(url: "https://127.0.0.1:\(server.port)") { await $0.createChat(someChat) }
            #expect(reply.answer == .failed(.connectionLost("connection reset")))
        }
    }

    @Test func aHandshakeThatStallsEndsWithinTheDeadline() async throws {
        try await withServer { server in
            let start = ContinuousClock.now
            let reply = try await withClient(
                url: "https://127.0.0.1:\(server.port)", requestTimeout: .milliseconds(300)
            ) { await $0.createChat(someChat) }
            switch reply.answer {
            case .failed(.notConnected), .failed(.timedOut): break
            default: Issue.record("\(reply.answer)")
            }
            #expect(start.duration(to: .now) < .seconds(10))
        }
    }
}
