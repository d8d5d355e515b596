import Harness
import MarketAPI
import Synchronization
import TestSupport
import Testing

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct HTTPRequestTests {
    @Test func aChatIsRequestedAsTheVendorDocumentsIt() async throws {
        try await withServer(script: { _ in [.send(chat7)] }) { server in
            let reply = try await withClient(url: server.url + "/prefix/") { await $0.createChat(someChat) }
            #expect(reply.answer == .ok(CreatedChat(chatID: 7)))
            #expect(reply.tries == 1)
            let request = try #require(server.requests.first)
            #expect(request.lines.first == "POST /prefix/v2/businesses/7/chats/new HTTP/1.1")
            #expect(request.header("Host") == ["127.0.0.1:\(server.port)"])
            #expect(request.header("Api-Key") == [testKey])
            #expect(request.header("Authorization") == [])
            #expect(request.header("Content-Type") == ["application/json"])
            #expect(request.header("Accept") == ["application/json"])
            #expect(request.header("Accept-Encoding") == ["identity"])
            #expect(request.header("X-Market-Integration") == ["market-chatd/1.2.3"])
            #expect(request.header("User-Agent") == ["market-chatd/1.2.3"])
            #expect(request.body == #"{"context":{"type":"ORDER","id":42}}"#)
            // A header that is not in this list is a header that somebody added without a thought.
            #expect(request.lines.count == 1 + 9)
        }
    }

    @Test(arguments: [
        (
            CreateChatRequest.Subject.context(ChatContext(kind: .return, id: .max)),
            #"{"context":{"type":"RETURN","id":9223372036854775807}}"#
        ),
        (.legacyOrder(id: 9_007_199_254_740_993), #"{"orderId":9007199254740993}"#),
    ])
    func eachSubjectHasItsBody(subject: CreateChatRequest.Subject, body: String) async throws {
        try await withServer(script: { _ in [.send(chat7)] }) { server in
            _ = try await withClient(url: server.url) {
                await $0.createChat(CreateChatRequest(businessID: 1, subject: subject))
            }
            #expect(server.requests.map(\.body) == [body])
        }
    }

    @Test func anOAuthTokenGoesIntoAuthorization() async throws {
        try await withServer(script: { _ in [.send(chat7)] }) { server in
            let token = MarketCredential.oauthToken(SecretString("y0_token"))
            _ = try await withClient(url: server.url, credential: token) { await $0.createChat(someChat) }
            let request = try #require(server.requests.first)
            #expect(request.header("Authorization") == ["Bearer y0_token"])
            #expect(request.header("Api-Key") == [])
        }
    }

    @Test func theKeyOfTheBusinessIsAskedForEveryRequest() async throws {
        try await withServer(script: { _ in [.send(chat7)] }) { server in
            let configuration = try MarketClientConfiguration(baseURL: server.url, integration: "test/1")
            let suffix = Mutex("old")
            let client = HTTPMarketClient(configuration: configuration) { businessID in
                .apiKey(SecretString("key-\(businessID)-\(suffix.withLock { $0 })"))
            }
            _ = await client.createChat(someChat)
            suffix.withLock { $0 = "new" }
            _ = await client.keyInfo(businessID: 8)
            await client.shutdown()
            #expect(server.requests.flatMap { $0.header("Api-Key") } == ["key-7-old", "key-8-new"])
        }
    }

    @Test(arguments: [
        "", "with space", "line\nbreak", "carriage\rreturn", "x\r\nX-Injected: 1", "ключ", "nul\0", "tab\t", "\u{7F}",
        String(repeating: "k", count: 4097),
    ])
    func aKeyThatCannotBeAHeaderIsNotSentAndNotShown(key: String) async throws {
        try await withServer(script: { _ in [.send(chat7)] }) { server in
            for credential in [MarketCredential.apiKey(SecretString(key)), .oauthToken(SecretString(key))] {
                let reply = try await withClient(url: server.url, credential: credential) {
                    await $0.createChat(someChat)
                }
                guard case .failed(.noCredentials(let text)) = reply.answer else {
                    Issue.record("\(reply.answer)")
                    continue
                }
                #expect(text.contains("business 7"))
                #expect(key.isEmpty || !text.contains(key))
            }
            #expect(server.accepted == 0)
        }
    }

    @Test func withoutAKeyNothingIsSent() async throws {
        try await withServer { server in
            let reply = try await withClient(url: server.url, credential: nil) { await $0.keyInfo(businessID: 9) }
            #expect(reply.answer == .failed(.noCredentials("there is no API key for business 9")))
            #expect(server.accepted == 0)
        }
    }

    @Test func keyInfoPostsNoBody() async throws {
        let body = #"{"status":"OK","result":{"apiKey":{"name":"shop","authScopes":["COMMUNICATION","NEW_ONE",3]}}}"#
        try await withServer(script: { _ in [.send(http("200 OK", body: body))] }) { server in
            let reply = try await withClient(url: server.url) { await $0.keyInfo(businessID: 1) }
            #expect(reply.answer == .ok(APIKeyInfo(name: "shop", scopes: ["COMMUNICATION", "NEW_ONE"])))
            let request = try #require(server.requests.first)
            #expect(request.lines.first == "POST /v2/auth/token HTTP/1.1")
            #expect(request.header("Content-Length") == ["0"])
            #expect(request.header("Content-Type") == [])
        }
    }

    @Test func aPageTokenIsPercentEncoded() async throws {
        let body = #"{"campaigns":[{"id":1,"business":{"id":2},"placementType":"FBS"}],"paging":{}}"#
        try await withServer(script: { _ in [.send(http("200 OK", body: body))] }) { server in
            try await withClient(url: server.url) { client in
                _ = await client.campaigns(businessID: 1, pageToken: nil)
                let reply = await client.campaigns(businessID: 1, pageToken: "a+b/c=&d ?#\r\nж%")
                let campaign = CampaignPage.Campaign(
                    id: 1, businessID: 2, placementType: "FBS", apiAvailability: nil)
                #expect(reply.answer == .ok(CampaignPage(campaigns: [campaign], nextPageToken: nil)))
            }
            #expect(
                server.requests.compactMap(\.lines.first) == [
                    "GET /v2/campaigns?limit=50 HTTP/1.1",
                    "GET /v2/campaigns?limit=50&pageToken=a%2Bb%2Fc%3D%26d%20%3F%23%0D%0A%D0%B6%25 HTTP/1.1",
                ])
        }
    }

    @Test func withoutKeepAliveEachRequestHasAConnectionOfItsOwn() async throws {
        // The server leaves its side open: closing is the client's own doing.
        try await withServer(script: { _ in [.send(chat7)] }) { server in
            try await withClient(url: server.url) { client in
                for _ in 0..<3 { _ = await client.createChat(someChat) }
                #expect(server.requests.map(\.connection) == [0, 1, 2])
                #expect(server.requests.flatMap { $0.header("Connection") } == ["close", "close", "close"])
                try await waitUntil("all connections are closed") { server.open == 0 }
            }
        }
    }

    @Test func keepAliveUsesAConnectionAgain() async throws {
        try await withServer(script: { _ in [.send(chat7)] }) { server in
            try await withClient(url: server.url, keepAlive: true) { client in
                for _ in 0..<3 { _ = await client.createChat(someChat) }
            }
            #expect(server.requests.map(\.connection) == [0, 0, 0])
            #expect(server.requests.flatMap { $0.header("Connection") } == [])
        }
    }

    @Test func noMoreConnectionsAreOpenThanConfigured() async throws {
        try await withServer(script: { _ in [.pause(.milliseconds(5)), .send(chat7), .close] }) { server in
            try await withClient(url: server.url, maxConnections: 3) { client in
                await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<30 {
                        group.addTask { await client.createChat(someChat).answer == .ok(CreatedChat(chatID: 7)) }
                    }
                    for await isRight in group { #expect(isRight) }
                }
            }
            #expect(server.requests.count == 30)
            // A connection counts as open here for a moment after the client has closed it.
            #expect(2...6 ~= server.mostOpen)
        }
    }
}
