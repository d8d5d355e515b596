import Harness
import MarketAPI
import TestSupport
import Testing

/// How exchanges end that do not end by themselves.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct HTTPEndTests {
    @Test(arguments: [
        [],
        [RawServer.Step.drip("HTTP/1.1 100 Continue\r\n\r\n", every: .milliseconds(10))],
        [.send("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"), .drip(" ", every: .milliseconds(10))],
        [.send("HTTP/1.1 200 OK\r\nX-Slow: "), .drip("z", every: .milliseconds(10))],
        [
            .send("HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n"),
            .drip("1\r\nx\r\n", every: .milliseconds(10)),
        ],
    ])
    func theDeadlineEndsTheWholeExchangeWhereverItIs(steps: [RawServer.Step]) async throws {
        try await withServer(script: { _ in steps }) { server in
            try await withClient(url: server.url, requestTimeout: .milliseconds(200)) { client in
                var elapsed = Duration.zero
                var answer = MarketAnswer<CreatedChat>.failed(.cancelled)
                // On a machine that is very busy even connecting may take too long.
                for _ in 0..<20 where server.requests.isEmpty {
                    let start = ContinuousClock.now
                    answer = await client.createChat(someChat).answer
                    elapsed = start.duration(to: .now)
                }
                #expect(answer == .failed(.timedOut))
                #expect(elapsed >= .milliseconds(200))
                #expect(elapsed < .seconds(10))
                try await waitUntil("the connection is closed") { server.open == 0 }
            }
        }
    }

    @Test func anAnswerWithinTheDeadlineIsNotLate() async throws {
        let reply = try await reply(
            to: [.pause(.milliseconds(300)), .send(chat7)], requestTimeout: .seconds(20))
        #expect(reply.answer == .ok(CreatedChat(chatID: 7)))
    }

    @Test func headersThatCameBeforeTheDeadlineCount() async throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-RateLimit-Resource-Remaining: 3\r\n\r\n"
        let reply = try await reply(to: [.send(head)], requestTimeout: .seconds(1))
        #expect(reply.answer == .failed(.timedOut))
        #expect(reply.quota == QuotaHeaders(remaining: 3))
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func aRefusedConnectionIsToldAtOnce(host: String) async throws {
        // Port 1 is nobody's, and no server of another test can get it.
        let start = ContinuousClock.now
        let reply = try await withClient(url: "http://\(host):1") { await $0.createChat(someChat) }
        #expect(reply.answer == .failed(.notConnected("connection refused")))
        #expect(start.duration(to: .now) < .seconds(8))
    }

    @Test func aNameThatDoesNotExistIsToldAsSuch() async throws {
        // Longer than a label may be, so that no name server is asked.
        let url = "https://\(String(repeating: "a", count: 64)).example"
        let reply = try await withClient(url: url) { await $0.createChat(someChat) }
        #expect(reply.answer == .failed(.nameNotResolved("the host name cannot be resolved")))
    }

    @Test(arguments: [
        [], [RawServer.Step.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")],
    ])
    func cancellationEndsTheExchangeAndItsConnection(steps: [RawServer.Step]) async throws {
        try await withServer(script: { _ in steps }) { server in
            try await withClient(url: server.url) { client in
                let answer = try await withThrowingTaskGroup(of: MarketAnswer<CreatedChat>.self) { group in
                    group.addTask { await client.createChat(someChat).answer }
                    try await waitUntil("a request has come") { server.requests.count == 1 }
                    group.cancelAll()
                    return try await group.next()
                }
                #expect(answer == .failed(.cancelled))
                try await waitUntil("the connection is closed") { server.open == 0 }
            }
        }
    }

    @Test func aCancelledTaskSendsNothing() async throws {
        try await withServer(script: { _ in [.send(chat7)] }) { server in
            try await withClient(url: server.url) { client in
                let answer = await withTaskGroup(of: MarketAnswer<CreatedChat>.self) { group in
                    group.cancelAll()
                    group.addTask { await client.createChat(someChat).answer }
                    return await group.next()
                }
                #expect(answer == .failed(.cancelled))
            }
            #expect(server.accepted == 0)
        }
    }

    @Test func shuttingDownEndsWhatIsInFlightAndIsSafeToRepeat() async throws {
        try await withServer { server in
            let configuration = try MarketClientConfiguration(baseURL: server.url, integration: "test/1")
            // With a thread of its own.
            let client = HTTPMarketClient(configuration: configuration) { _ in .apiKey(SecretString(testKey)) }
            async let inFlight = client.createChat(someChat)
            try await waitUntil("a request has come") { server.requests.count == 1 }
            await client.shutdown()
            #expect(await inFlight.answer == .failed(.cancelled))
            await client.shutdown()
            #expect(await client.createChat(someChat).answer == .failed(.cancelled))
        }
    }
}
