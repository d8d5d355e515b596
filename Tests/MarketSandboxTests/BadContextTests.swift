import MarketSandbox
import NIOHTTP1
import TestSupport
import Testing

@Suite(.concurrencyLimited) struct BadContextTests {
    private static func fixture(_ rules: SandboxBadRule..., change: (inout SandboxOptions) -> Void = { _ in })
        -> MarketFixture
    {
        MarketFixture {
            $0.bad = rules
            change(&$0)
        }
    }

    @Test(arguments: [
        (400, "BAD_REQUEST", "Illegal input at 'context'", true),
        (401, "UNAUTHORIZED", "Api-Key token is invalid", true),
        (402, "PAYMENT_REQUIRED", "Payment required", true),
        (403, "API_DISABLED", "API for campaign 10010 disabled due to prolonged inactivity of the shop", true),
        (404, "NOT_FOUND", "Order not found: '17'", true),
        (405, "METHOD_NOT_ALLOWED", "Request method 'POST' not supported", true),
        (410, "GONE", "Resource is no longer available", true),
        (418, "CLIENT_ERROR", "Request cannot be processed", true),
        (420, "METHOD_FAILURE", "Hit rate limit", true),
        (423, "LOCKED", "Business is in migration", true),
        (500, "INTERNAL_SERVER_ERROR", "Internal server error", false),
        (502, "BAD_GATEWAY", "Bad gateway", false),
        (503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable. Please, try again later", false),
        (504, "GATEWAY_TIMEOUT", "Gateway timeout", false),
        (599, "INTERNAL_SERVER_ERROR", "Internal server error", false),
    ])
    func aBadContextGetsItsStatusInTheVendorsShapeAndOnly4xxSpendsQuota(
        status: Int, code: String, message: String, spends: Bool
    ) {
        var fixture = Self.fixture(SandboxBadRule(17...17, .status(status)))
        for count in 1...3 {
            let reply = fixture.ask(order: 17)
            #expect(reply.status == status)
            #expect(reply.text == #"{"status":"ERROR","errors":[{"code":"\#(code)","message":"\#(message)"}]}"#)
            #expect(reply.remaining == (spends ? 1000 - count : 1000))
            #expect(reply.header("Retry-After") == nil)
            #expect(reply.header("Allow") == (status == 405 ? "POST" : nil))
        }
        #expect(fixture.market.state(at: fixture.now).chats.isEmpty)
        #expect(fixture.market.state(at: fixture.now).faults == ["bad": 3])
    }

    @Test func aRuleCoversItsTypeAndItsIDsAndNothingElse() {
        var fixture = Self.fixture(
            SandboxBadRule(10...20, .status(500), type: .order), SandboxBadRule(15...15, .status(404), type: .return),
            SandboxBadRule(15...16, .status(402)))
        let orders = [9, 10, 20, 21].map { fixture.ask(order: $0).status }
        #expect(orders == [200, 500, 500, 200])
        // The first rule that covers a context decides.
        let both = [15, 16].map { [fixture.ask(order: $0).status, fixture.ask(return: $0).status] }
        #expect(both == [[500, 404], [500, 402]])
        #expect(fixture.ask(return: 15).says("Return not found: '15'"))
        #expect(fixture.ask(return: 10).status == 200)
        #expect(fixture.ask(order: 10, business: 1002).status == 500)
    }

    @Test func aBadAnswerMayTellWhenToComeBack() {
        var fixture = Self.fixture(SandboxBadRule(17...17, .status(503), retryAfterSeconds: 8))
        #expect(fixture.ask(order: 17).header("Retry-After") == "8")
        #expect(fixture.ask(order: 18).header("Retry-After") == nil)
    }

    @Test func aMalformedAnswerComesEachTimeAndAResetDoesNoWork() throws {
        var fixture = Self.fixture(SandboxBadRule(17...17, .malformed, type: .order), SandboxBadRule(18...18, .reset)) {
            $0.missing.ids = [17: .never]
        }
        for count in 1...40 {
            let reply = fixture.ask(order: 17)
            let chatID = try #require(fixture.market.state(at: fixture.now).chats.values.first)
            #expect(reply.status == 200)
            #expect(reply.remaining == 1000 - count)
            #expect(reply.text != #"{"status":"OK","result":{"chatId":\#(chatID)}}"# || reply.delivery != .whole)
        }
        #expect(fixture.ask(order: 18).delivery == .nothing)
        #expect(fixture.business()?.quotaRemaining == 960)
        #expect(fixture.market.state(at: fixture.now).chats.count == 1)
    }

    @Test func noFaultAndNoMissingRuleMakesABadContextGood() {
        var fixture = Self.fixture(SandboxBadRule(17...17, .status(410))) {
            $0.faults = .all(share: 0.1)
            $0.missing.ids = [17: .never]
        }
        let statuses = Set((1...100).map { _ in fixture.ask(order: 17).status })
        #expect(statuses == [410])
    }

    @Test func aUsedUpQuotaAndALockOutComeBeforeABadAnswer() throws {
        var fixture = Self.fixture(SandboxBadRule(17...17, .status(404))) { $0.quota = 1 }
        #expect(fixture.ask(order: 17).status == 404)
        #expect(fixture.ask(order: 17).status == 420)
        var change = SandboxChange()
        change.lockOuts = ["1001": .migration]
        change.quota = 10
        try fixture.market.apply(change)
        #expect(fixture.ask(order: 17).status == 423)
    }

    @Test func badContextsBeginAndEndWhileItRuns() async throws {
        try await withSandbox { sandbox in
            #expect(try await Client.createChat(sandbox).status == 200)
            let change = #"{"bad":[{"type":"ORDER","from":1,"to":30,"answer":"503","retryAfterSeconds":8}]}"#
            #expect(try await Client.send(sandbox, "POST", "/sandbox/change", body: change).status == 200)
            let answer = try await Client.createChat(sandbox)
            #expect(answer.status == 503)
            #expect(answer.headers.first(name: "Retry-After") == "8")
            #expect(try await Client.createChat(sandbox, order: 31).status == 200)
            let latency = #"{"latencyMilliseconds":1}"#
            #expect(try await Client.send(sandbox, "POST", "/sandbox/change", body: latency).status == 200)
            #expect(try await Client.createChat(sandbox).status == 503)
            #expect(try await Client.send(sandbox, "POST", "/sandbox/change", body: #"{"bad":[]}"#).status == 200)
            #expect(try await Client.createChat(sandbox).status == 200)
        }
    }

    @Test(arguments: [
        SandboxBadRule(0...7, .reset), SandboxBadRule(7...7, .status(200)),
        SandboxBadRule(7...7, .reset, retryAfterSeconds: 1), SandboxBadRule(7...7, .malformed, retryAfterSeconds: -1),
    ])
    func anImpossibleRuleIsRefused(rule: SandboxBadRule) {
        var fixture = MarketFixture()
        var change = SandboxChange()
        change.bad = [SandboxBadRule(17...17, .status(500)), rule]
        #expect(throws: SandboxChangeError.self) { try fixture.market.apply(change) }
        #expect(fixture.ask(order: 17).status == 200)
    }
}
