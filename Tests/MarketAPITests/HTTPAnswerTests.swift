import Harness
import MarketAPI
import TestSupport
import Testing

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct HTTPAnswerTests {
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"status\":\"OK\",\"\r\n17;x=y\r\nresult\":{\"chatId\":77}}\n\r\n0\r\nT: 1\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
            + http("200 OK", body: #"{"status":"OK","result":{"chatId":77}}"#),
        http("201 Created", body: "\u{FEFF} {\"status\":\"OK\",\"result\":{\"chatId\":77,\"new\":[{}]},\"new\":1}"),
        "HTTP/1.0 200 OK\r\n\r\n{\"status\":\"OK\",\"result\":{\"chatId\":77}}",
    ])
    func anAnswerMayComeInAnyFormOfHTTP(bytes: String) async throws {
        let reply = try await reply(to: [.send(bytes), .close])
        #expect(reply.answer == .ok(CreatedChat(chatID: 77)))
    }

    @Test func headersAreReadWhateverTheirCase() async throws {
        let headers = [
            "x-ratelimit-RESOURCE-limit: 1000", "X-RATELIMIT-RESOURCE-REMAINING: 998",
            "x-RateLimit-resource-until: Wed, 09 Sep 2026 15:18:00 GMT", "DATE: Wed, 09 Sep 2026 15:17:30 GMT",
            "retry-after: 5", "TraceParent: 00-0123-4567-01",
        ]
        let reply = try await reply(to: [.send(http("420 Enhance", headers: headers, body: "calm"))])
        #expect(reply.answer == .httpError(status: 420, problem: MarketProblem(code: nil, message: "calm")))
        let quota = QuotaHeaders(limit: 1000, remaining: 998, resetsIn: .seconds(30), until: 1_788_967_080)
        #expect(reply.quota == quota)
        #expect(reply.retryAfter == .seconds(5))
        #expect(reply.traceID == "00-0123-4567-01")
    }

    @Test func withoutADateTheWallClockStandsIn() async throws {
        let headers = ["X-RateLimit-Resource-Until: Sun, 09 Sep 2001 01:47:40 GMT"]
        let reply = try await reply(to: [.send(http("500 X", headers: headers))])
        #expect(reply.quota?.resetsIn == .seconds(60))
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func aRedirectIsNotFollowedSoThatTheKeyGoesNowhereElse(status: Int) async throws {
        try await withServer(script: { _ in [.send(chat7)] }) { elsewhere in
            let location = "Location: \(elsewhere.url)/v2/businesses/7/chats/new"
            let reply = try await reply(to: [.send(http("\(status) Moved", headers: [location]))])
            #expect(reply.answer == .httpError(status: status, problem: MarketProblem()))
            #expect(elsewhere.accepted == 0)
        }
    }

    @Test func aKeyThatTheServerRepeatsIsNotPassedOn() async throws {
        let body = #"{"errors":[{"code":"\#(testKey)","message":"\#(testKey) is not \#(testKey)"}]}"#
        let trace = "traceparent: 00-\(testKey)"
        for status in ["401 Unauthorized", "200 OK"] {
            for body in [body, "<\(testKey)>"] {
                let reply = try await reply(to: [.send(http(status, headers: [trace], body: body))])
                #expect(!"\(reply)".contains("ACMA"))
                #expect("\(reply)".contains("***"))
            }
        }
    }

    @Test(arguments: [
        [RawServer.Step.close], [.reset], [.send("HTTP/1.1 200 OK\r\n"), .close], [.pause(.zero), .reset],
    ])
    func aConnectionThatBreaksBeforeTheAnswerIsLost(steps: [RawServer.Step]) async throws {
        let reply = try await reply(to: steps)
        guard case .failed(.connectionLost) = reply.answer else {
            Issue.record("\(reply.answer)")
            return
        }
        #expect(reply.quota == nil)
    }

    @Test(arguments: ["200 OK", "500 Oops", "400 Bad Request"], [RawServer.Step.close, .reset])
    func aConnectionThatBreaksInTheBodyIsLostButItsHeadersCount(status: String, end: RawServer.Step) async throws {
        let head = "HTTP/1.1 \(status)\r\nContent-Length: 999\r\nX-RateLimit-Resource-Remaining: 3\r\n\r\n{"
        let reply = try await reply(to: [.send(head), .pause(.milliseconds(50)), end])
        guard case .failed(.connectionLost) = reply.answer else {
            Issue.record("\(reply.answer)")
            return
        }
        // A reset may throw away what has not been read yet, the head included.
        if case .close = end { #expect(reply.quota == QuotaHeaders(remaining: 3)) }
    }

    @Test func aChunkedBodyThatEndsEarlyIsLost() async throws {
        let bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n"
        let reply = try await reply(to: [.send(bytes), .close])
        guard case .failed(.connectionLost) = reply.answer else {
            Issue.record("\(reply.answer)")
            return
        }
    }

    @Test(arguments: [
        "garbage\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
        "\0\0\0\0\0\0\0\0",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func whatIsNotHTTPIsALostConnection(bytes: String) async throws {
        let reply = try await reply(to: [.send(bytes), .close])
        guard case .failed(.connectionLost(let text)) = reply.answer else {
            Issue.record("\(reply.answer)")
            return
        }
        #expect(text.utf8.count < 200)
    }

    @Test func aFloodOfHeadersIsCutOff() async throws {
        let many = (0..<5000).map { "X-\($0): y" }
        let long = ["X-Long: " + String(repeating: "y", count: 200_000)]
        for headers in [many, long] {
            let reply = try await reply(to: [.send(http("200 OK", headers: headers, body: "{}"))])
            guard case .failed(.connectionLost) = reply.answer else {
                Issue.record("\(reply.answer)")
                return
            }
        }
    }

    @Test func aBodyOf512KilobytesIsReadAndAByteMoreIsTooMuch() async throws {
        let document = #"{"status":"OK","result":{"chatId":5}}"#
        for extra in [0, 1] {
            let padding = String(repeating: " ", count: 512 * 1024 - document.utf8.count + extra)
            let reply = try await reply(to: [.send(http("200 OK", body: document + padding))])
            #expect(reply.answer == (extra == 0 ? .ok(CreatedChat(chatID: 5)) : .failed(.bodyTooLarge)))
        }
    }

    @Test func anEndlessBodyIsCutOffAndTheConnectionClosed() async throws {
        let chunk = "10000\r\n" + String(repeating: "x", count: 0x10000) + "\r\n"
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-RateLimit-Resource-Remaining: 3\r\n\r\n"
        try await withServer(script: { _ in [.send(head), .drip(chunk, every: .microseconds(100))] }) { server in
            try await withClient(url: server.url) { client in
                let reply = await client.createChat(someChat)
                #expect(reply.answer == .failed(.bodyTooLarge))
                #expect(reply.quota == QuotaHeaders(remaining: 3))
                try await waitUntil("the connection is closed") { server.open == 0 }
            }
        }
    }

    @Test func aRefusalCountsByItsStatusHoweverLongItsBodyIs() async throws {
        let body = String(repeating: "x", count: 600_000)
        let reply = try await reply(to: [.send(http("420 Calm", body: body))])
        let problem = MarketProblem(code: nil, message: String(repeating: "x", count: 1000))
        #expect(reply.answer == .httpError(status: 420, problem: problem))
    }

    @Test func aCompressedBodyIsNotUnpacked() async throws {
        // What gzip makes of {"status":"OK","result":{"chatId":7}}.
        let packed: [UInt8] = [
            0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xAB, 0x56, 0x2A, 0x2E, 0x49, 0x2C,
            0x29, 0x2D, 0x56, 0xB2, 0x52, 0xF2, 0xF7, 0x56, 0xD2, 0x51, 0x2A, 0x4A, 0x2D, 0x2E, 0xCD, 0x29,
            0x51, 0xB2, 0xAA, 0x56, 0x4A, 0xCE, 0x48, 0x2C, 0xF1, 0x4C, 0x51, 0xB2, 0x32, 0xAF, 0xAD, 0x05,
            0x00, 0x9F, 0x2E, 0xD3, 0x5A, 0x25, 0x00, 0x00, 0x00,
        ]
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(packed.count)\r\n\r\n"
        let reply = try await reply(to: [.send(head), .sendBytes(packed)])
        guard case .malformed(status: 200, _) = reply.answer else {
            Issue.record("\(reply.answer)")
            return
        }
    }
}
