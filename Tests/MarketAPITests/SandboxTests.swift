import MarketAPI
import MarketSandbox
import TestSupport
import Testing

/// The real client against the imitated Market, which shares no code with it: what one misspells, the other refuses.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct SandboxTests {
    private static let key = MarketCredential.apiKey(SecretString(SandboxKey.defaultToken))

    private func chat(_ id: Int64, of businessID: Int64 = 7, kind: ChatContext.Kind = .order) -> CreateChatRequest {
        CreateChatRequest(businessID: businessID, subject: .context(ChatContext(kind: kind, id: id)))
    }

    private func withMarket<Result>(
        _ options: SandboxOptions = SandboxOptions(), credential: MarketCredential = key,
        timeout: Duration = .seconds(20),
        _ body: (MarketSandboxServer, HTTPMarketClient) async throws -> Result
    ) async throws -> Result {
        try await withSandbox(options) { sandbox in
            try await withClient(url: sandbox.url, requestTimeout: timeout, credential: credential) { client in
                try await body(sandbox, client)
            }
        }
    }

    @Test func ordersAndReturnsGetTheirChatsAndGetThemAgain() async throws {
        try await withMarket { sandbox, client in
            for kind in ChatContext.Kind.allCases {
                let first = await client.createChat(chat(42, kind: kind))
                let again = await client.createChat(chat(42, kind: kind))
                #expect(first.answer == again.answer)
                let sandboxKind: SandboxContext.Kind = kind == .order ? .order : .return
                let context = SandboxContext(businessID: 7, kind: sandboxKind, id: 42)
                let chatID = try #require(sandbox.state().chats[context])
                #expect(first.answer == .ok(CreatedChat(chatID: chatID)))
            }
        }
    }

    @Test func theQuotaIsToldWithEveryAnswerAndUsedUpIsA420() async throws {
        var options = SandboxOptions()
        options.quota = 2
        // Long enough that no window ends in mid-test, whenever it runs.
        options.window = .seconds(365 * 86_400)
        try await withMarket(options) { _, client in
            let first = await client.createChat(chat(1))
            #expect(first.quota?.limit == 2)
            #expect(first.quota?.remaining == 1)
            #expect(first.traceID?.hasPrefix("00-") == true)
            let second = await client.createChat(chat(2))
            #expect(second.quota?.remaining == 0)
            let third = await client.createChat(chat(3))
            guard case .httpError(status: 420, let problem) = third.answer else {
                Issue.record("\(third.answer)")
                return
            }
            #expect(problem.message?.hasPrefix("Hit rate limit of 2 requests per") == true)
            #expect(third.quota?.until == first.quota?.until)
            let resetsIn = try #require(third.quota?.resetsIn)
            #expect(resetsIn > .zero)
        }
    }

    @Test func aWindowEndsByTheMarketsOwnClock() async throws {
        var options = SandboxOptions()
        options.clockOffset = .seconds(-5 * 365 * 86_400)
        options.window = .seconds(60)
        try await withMarket(options) { _, client in
            let resetsIn = try #require(await client.createChat(chat(1)).quota?.resetsIn)
            #expect(.zero...Duration.seconds(61) ~= resetsIn)
        }
    }

    @Test func refusalsComeWithStatusCodeAndText() async throws {
        var options = SandboxOptions()
        options.businesses = [
            SandboxBusiness(id: 7), SandboxBusiness(id: 8, placements: [.dbs]),
            SandboxBusiness(id: 9, lockOut: .migration), SandboxBusiness(id: 10, lockOut: .denied),
        ]
        options.missing.ids = [404: .never]
        for oldErrorShape in [0.0, 1.0] {
            options.oldErrorShape = oldErrorShape
            try await withMarket(options) { _, client in
                let expected: [(CreateChatRequest, Int, String)] = [
                    (chat(404), 404, "Order not found"),
                    (chat(1, of: 8, kind: .return), 400, "Campaign type is not allowed"),
                    (chat(1, of: 9), 423, "Business is in migration"), (chat(1, of: 10), 403, "Access denied"),
                    (CreateChatRequest(businessID: 7, subject: .legacyOrder(id: 1)), 400, ""),
                ]
                for (request, status, text) in expected {
                    let reply = await client.createChat(request)
                    guard case .httpError(status: status, let problem) = reply.answer else {
                        Issue.record("\(request): \(reply.answer)")
                        continue
                    }
                    #expect(problem.message?.hasPrefix(text) == true, "\(problem)")
                    #expect(problem.code != nil)
                }
            }
        }
    }

    @Test func aWrongKeyIsA401ThatDoesNotRepeatIt() async throws {
        try await withMarket(credential: .apiKey(SecretString(testKey))) { _, client in
            let reply = await client.createChat(chat(1))
            guard case .httpError(status: 401, _) = reply.answer else {
                Issue.record("\(reply.answer)")
                return
            }
            #expect(!"\(reply)".contains(testKey))
        }
    }

    @Test func theLegacyBodyIsUnderstoodWhereItIsStillTaken() async throws {
        var options = SandboxOptions()
        options.acceptsLegacyOrderID = true
        try await withMarket(options) { sandbox, client in
            let reply = await client.createChat(CreateChatRequest(businessID: 7, subject: .legacyOrder(id: 42)))
            let context = SandboxContext(businessID: 7, kind: .order, id: 42)
            let chatID = try #require(sandbox.state().chats[context])
            #expect(reply.answer == .ok(CreatedChat(chatID: chatID)))
        }
    }

    @Test func aKeysScopesAndAllPagesOfCampaignsAreRead() async throws {
        var options = SandboxOptions()
        options.keys = [SandboxKey(token: SandboxKey.defaultToken, scopes: ["COMMUNICATION", "PRICING"])]
        options.businesses = (1...120).map { SandboxBusiness(id: $0, placements: $0 == 1 ? [.express, .dbs] : [.fby]) }
        try await withMarket(options) { _, client in
            let info = await client.keyInfo(businessID: 1)
            #expect(info.answer == .ok(APIKeyInfo(name: "sandbox", scopes: ["COMMUNICATION", "PRICING"])))
            var campaigns: [CampaignPage.Campaign] = []
            var token: String?
            repeat {
                guard case .ok(let page) = await client.campaigns(businessID: 1, pageToken: token).answer else {
                    Issue.record("no page after \(campaigns.count) campaigns")
                    return
                }
                campaigns += page.campaigns
                token = page.nextPageToken
            } while token != nil
            #expect(campaigns.compactMap(\.businessID) == [1] + Array(1...120))
            #expect(campaigns.prefix(3).map(\.placementType) == ["FBS", "DBS", "FBY"])
            #expect(campaigns.allSatisfy { $0.apiAvailability == "AVAILABLE" })
        }
    }

    @Test func anOAuthTokenIsTaken() async throws {
        var options = SandboxOptions()
        options.keys = [SandboxKey(token: "y0_token", isOAuth: true)]
        try await withMarket(options, credential: .oauthToken(SecretString("y0_token"))) { _, client in
            guard case .ok = await client.createChat(chat(1)).answer else {
                Issue.record("an OAuth token is not taken")
                return
            }
        }
    }

    @Test func aMarketThatHangsIsLeftAtTheDeadline() async throws {
        var options = SandboxOptions()
        options.outage = .hang
        options.serverTimeout = .seconds(300)
        // A connection has two thirds of it: enough where other tests keep the machine busy.
        try await withMarket(options, timeout: .seconds(12)) { _, client in
            let answer = await client.createChat(chat(1)).answer
            #expect(answer == .failed(.timedOut))
        }
    }

    @Test(arguments: [11, 12] as [UInt64])
    func underEveryFaultAtOnceNoAnswerIsWrongAndTheKeyGoesNowhereElse(seed: UInt64) async throws {
        var options = SandboxOptions()
        options.seed = seed
        options.parallel = 1000
        options.quota = 100_000
        options.faults = .all(share: 0.08, slowMilliseconds: 20)
        // No limit of time is to end a try on a slow machine: what the faults do is what counts.
        try await withMarket(options, timeout: .seconds(300)) { sandbox, client in
            let policy = RetryPolicy(
                maxTries: 40, baseDelay: .milliseconds(1), maxDelay: .milliseconds(5), totalLimit: .seconds(300))
            let retrying = RetryingMarketClient(client, policy: policy)
            let answers = await withTaskGroup(of: (Int64, MarketReply<CreatedChat>).self) { group in
                for id in 1...300 as ClosedRange<Int64> {
                    group.addTask { (id, await retrying.createChat(chat(id))) }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            let state = sandbox.state()
            let chats = state.chats
            var created = 0
            for (id, reply) in answers {
                switch reply.answer {
                case .ok(let chat):
                    created += 1
                    #expect(chats[SandboxContext(businessID: 7, kind: .order, id: id)] == chat.chatID)
                case .malformed, .failed(.bodyTooLarge), .httpError(status: 302, _): break
                default: Issue.record("order \(id): \(reply.answer)")
                }
            }
            #expect(answers.count == 300)
            #expect(created > 150)
            #expect(answers.values.reduce(0) { $0 + $1.tries } == state.requests)
            #expect(state.redirectsFollowed == 0)
            // Every kind of fault did strike.
            #expect(state.faults.count >= 9, "\(state.faults)")
        }
    }
}
