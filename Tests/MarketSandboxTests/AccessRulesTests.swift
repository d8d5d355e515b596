import MarketSandbox
import TestSupport
import Testing

@Suite(.concurrencyLimited) struct AccessRulesTests {
    static let unknown = "ACMA:\(String(repeating: "x", count: 40)):0123abcd"

    @Test(
        arguments: [
            (nil, "Credentials are not specified"),
            ("", "Api-Key token is not specified"),
            ("Bearer \(SandboxKey.defaultToken)", "Api-Key token prefix is invalid"),
            ("ACMA:short", "Api-Key token length is invalid"),
            ("ACMA:\(String(repeating: "x", count: 40)):0123abcg", "Api-Key token format is invalid"),
            (unknown, "Api-Key token is invalid"),
            ("old", "Api-Key token is revoked"),
        ] as [(String?, String)])
    func aKeyThatIsNotGoodIsToldWhy(key: String?, message: String) {
        var fixture = MarketFixture { $0.keys.append(SandboxKey(token: "old", isRevoked: true)) }
        let reply = fixture.ask(MarketFixture.request(key: key))
        #expect(reply.status == 401)
        #expect(reply.says(message), "\(reply.text)")
        #expect(reply.text.contains(#""code":"UNAUTHORIZED""#))
        #expect(fixture.business()?.quotaRemaining == 1000)
    }

    @Test func aKeyOpensItsOwnBusinessesOnly() {
        var fixture = MarketFixture { $0.keys = [SandboxKey(token: "one", businesses: [1001])] }
        #expect(fixture.ask(MarketFixture.request(key: "one")).status == 200)
        let reply = fixture.ask(MarketFixture.request(business: "1002", key: "one"))
        #expect(reply.status == 403)
        #expect(reply.says("Access denied"))
        #expect(reply.text.contains(#""code":"FORBIDDEN""#))
        #expect(fixture.business(1002)?.quotaRemaining == 1000)
    }

    @Test func aBusinessThatDoesNotExistIsDenied() {
        var fixture = MarketFixture { $0.businesses = [SandboxBusiness(id: 1001)] }
        #expect(fixture.ask(order: 1, business: 1002).says("Access denied"))
    }

    @Test(arguments: [
        (["PRICING"], 403), (["PRICING", "COMMUNICATION"], 200), (["all_methods"], 200), ([], 403),
    ])
    func chatsNeedTheScopeCommunicationOrAllMethods(scopes: [String], status: Int) {
        var fixture = MarketFixture { $0.keys = [SandboxKey(token: "one", scopes: scopes)] }
        let reply = fixture.ask(MarketFixture.request(key: "one"))
        #expect(reply.status == status)
        #expect(
            reply.says("Token does not have any of the scopes to access the API method") == (status == 403))
    }

    @Test(arguments: [
        (SandboxLockOut.denied, 403, "Access denied"),
        (.disabled, 403, "API for business 1001 disabled because it has only disabled partners."),
        (.scope, 403, "Token does not have any of the scopes to access the API method"),
        (.migration, 423, "Business is in migration"),
    ])
    func aLockedOutBusinessIsToldWhyAndMayComeBack(lockOut: SandboxLockOut, status: Int, message: String) throws {
        var fixture = MarketFixture { $0.businesses = [SandboxBusiness(id: 1001, lockOut: lockOut)] }
        let reply = fixture.ask(order: 1)
        #expect(reply.status == status)
        #expect(reply.says(message))
        var change = SandboxChange()
        change.lockOuts = ["1001": .none]
        try fixture.market.apply(change)
        #expect(fixture.ask(order: 1).status == 200)
    }

    @Test func oauthTokensAreDeprecatedButWork() {
        var fixture = MarketFixture { $0.keys = [SandboxKey(token: "y0_abc", isOAuth: true)] }
        var request = MarketFixture.request(key: nil)
        request.authorization = "Bearer y0_abc"
        #expect(fixture.ask(request).status == 200)
        request.authorization = "Bearer y0_abd"
        #expect(fixture.ask(request).status == 401)
        request.authorization = "OAuth y0_abc"
        #expect(fixture.ask(request).says("Credentials are not specified"))
        #expect(fixture.ask(MarketFixture.request(key: "y0_abc")).status == 401)
    }

    @Test(arguments: [
        ("/V2/businesses/1001/chats/new", 404), ("/v2/businesses/1001/chats/new/", 404),
        ("/v2//businesses/1001/chats/new", 404), ("/businesses/1001/chats/new", 404), ("/", 404),
        ("/v2/businesses/1001/chats/new?x=1", 200), ("/v2/businesses/abc/chats/new", 400),
        ("/v2/businesses/0/chats/new", 400), ("/v2/businesses/9223372036854775808/chats/new", 400),
    ])
    func onlyTheExactPathLeadsAnywhere(target: String, status: Int) {
        var fixture = MarketFixture()
        var request = MarketFixture.request()
        request.target = target
        let reply = fixture.ask(request)
        #expect(reply.status == status, "\(reply.text)")
        #expect(reply.says("Resource not found") == (status == 404))
    }

    @Test func otherMethodsAndContentTypesAreRefused() {
        var fixture = MarketFixture()
        var request = MarketFixture.request()
        request.method = "GET"
        let reply = fixture.ask(request)
        #expect(reply.status == 405)
        #expect(reply.says("Request method 'GET' not supported"))
        #expect(reply.header("Allow") == "POST")
        let typed = fixture.ask(MarketFixture.request(contentType: "text/plain"))
        #expect(typed.status == 415)
        #expect(typed.says("Content type 'text/plain' not supported"))
        #expect(fixture.ask(MarketFixture.request(contentType: nil)).status == 415)
        #expect(fixture.ask(MarketFixture.request(contentType: "Application/JSON; charset=UTF-8")).status == 200)
    }

    @Test func theTokenCallTellsTheScopesAHundredTimesAnHour() {
        var fixture = MarketFixture { $0.keys = [SandboxKey(token: "one", scopes: ["COMMUNICATION", "PRICING"])] }
        let request = SandboxRequest(method: "POST", target: "/v2/auth/token", apiKey: "one")
        let reply = fixture.ask(request)
        #expect(
            reply.text
                == #"{"status":"OK","result":{"apiKey":{"name":"sandbox","authScopes":["COMMUNICATION","PRICING"]}}}"#)
        for _ in 2...100 {
            let status = fixture.ask(request).status
            #expect(status == 200)
        }
        #expect(fixture.ask(request).status == 420)
        fixture.advance(.seconds(3600))
        #expect(fixture.ask(request).remaining == 99)
    }

    @Test func campaignsComeInPagesAndOnlyThoseOfTheKey() {
        var fixture = MarketFixture {
            $0.businesses = [
                SandboxBusiness(id: 1001, placements: [.express, .dbs]), SandboxBusiness(id: 1002, lockOut: .disabled),
                SandboxBusiness(id: 1003),
            ]
            $0.keys = [SandboxKey(token: "one", businesses: [1001, 1002])]
        }
        func page(_ query: String) -> SandboxReply {
            fixture.ask(SandboxRequest(method: "GET", target: "/v2/campaigns\(query)", apiKey: "one"))
        }
        let first = page("?limit=2")
        #expect(first.text.contains(#""business":{"id":1001,"name":"Sandbox 1001"},"placementType":"FBS""#))
        #expect(first.text.contains(#""placementType":"DBS""#))
        #expect(first.text.contains(#""paging":{"nextPageToken":"2"}"#))
        let last = page("?limit=2&pageToken=2")
        #expect(last.text.contains(#""business":{"id":1002,"name":"Sandbox 1002"}"#))
        #expect(last.text.contains(#""apiAvailability":"DISABLED_BY_INACTIVITY""#))
        #expect(last.text.contains(#""paging":{}"#))
        #expect(!(first.text + last.text).contains("1003"))
        #expect(page("?limit=0").status == 400)
        #expect(page("?pageToken=x").status == 400)
    }
}
