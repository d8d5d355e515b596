import Glibc
import MarketSandbox
import TestSupport
import Testing

@Suite(.concurrencyLimited) struct QuotaRulesTests {
    /// 2027-01-15 08:00:00 GMT is a whole hour, so the window is the vendor's.
    @Test func everyAnswerSaysWhatTheWindowHasLeft() {
        var fixture = MarketFixture()
        let reply = fixture.ask(order: 17)
        #expect(reply.header("Date") == "Fri, 15 Jan 2027 08:00:00 GMT")
        #expect(reply.header("X-RateLimit-Resource-Limit") == "1000")
        #expect(reply.header("X-RateLimit-Resource-Until") == "Fri, 15 Jan 2027 09:00:00 GMT")
        #expect(reply.remaining == 999)
        #expect(reply.header("traceparent")?.utf8.count == 55)
        #expect(fixture.ask(MarketFixture.request(key: nil)).remaining == 999)
    }

    @Test func aUsedUpWindowRefusesUntilTheNextOneBegins() {
        var fixture = MarketFixture {
            $0.quota = 2
            $0.window = .seconds(10)
        }
        #expect(fixture.ask(order: 1).remaining == 1)
        #expect(fixture.ask(order: 2).remaining == 0)
        fixture.advance(.milliseconds(9_999))
        let refusal = fixture.ask(order: 3)
        #expect(refusal.status == 420)
        let resource = "resource businesses/chats/new for businessId 1001"
        #expect(refusal.says("Hit rate limit of 2 requests per 10 seconds for \(resource)"))
        #expect(refusal.remaining == 0)
        #expect(refusal.header("X-RateLimit-Resource-Until") == "Fri, 15 Jan 2027 08:00:10 GMT")
        #expect(fixture.ask(order: 3, business: 1002).status == 200)
        fixture.advance(.milliseconds(1))
        #expect(fixture.ask(order: 3).status == 200)
        #expect(fixture.business()?.quotaRefusals == 1)
        #expect(fixture.business()?.windows.map(\.used) == [2, 1])
        #expect(fixture.business()?.windows.map(\.refused) == [1, 0])
    }

    @Test func anHourIsCalledAnHour() {
        var fixture = MarketFixture { $0.quota = 1 }
        _ = fixture.ask(order: 1)
        #expect(fixture.ask(order: 2).text.contains("Hit rate limit of 1 requests per hour for resource"))
    }

    @Test func successAndRefusalSpendQuotaAndServerErrorsDoNot() throws {
        var fixture = MarketFixture { $0.missing.ids = [404: .never] }
        #expect(fixture.ask(order: 1).remaining == 999)
        #expect(fixture.ask(order: 404).remaining == 998)
        #expect(fixture.ask(MarketFixture.request("{}")).remaining == 997)
        #expect(fixture.ask(MarketFixture.request(contentType: "text/plain")).remaining == 996)
        for free: WritableKeyPath<SandboxFaults, Double> in [
            \.error500, \.error502, \.error503, \.error504, \.redirect, \.resetBefore,
        ] {
            try fixture.strike(.only(free))
            #expect(fixture.ask(order: 2).remaining == 996)
        }
        try fixture.strike(.only(\.resetAfter))
        #expect(fixture.ask(order: 2).remaining == 995)
    }

    @Test func aServerErrorOfAnOldWindowGivesTheNewOneNothing() {
        var fixture = MarketFixture {
            $0.window = .seconds(10)
            $0.latency = .seconds(1)
            $0.faults.error500 = 1
        }
        let late = fixture.market.admit(MarketFixture.request(), arrival: 0, at: fixture.now)
        fixture.advance(.seconds(10))
        let inTime = fixture.market.admit(MarketFixture.request(), arrival: 0, at: fixture.now)
        #expect(fixture.market.settle(late, at: fixture.now).remaining == 999)
        #expect(fixture.market.settle(inTime, at: fixture.now).remaining == 1000)
    }

    @Test func aWindowOfFractionsEndsOnTheNextWholeSecond() {
        var fixture = MarketFixture { $0.window = .milliseconds(300) }
        #expect(fixture.ask(order: 1).header("X-RateLimit-Resource-Until") == "Fri, 15 Jan 2027 08:00:01 GMT")
    }

    @Test func moreThanTheParallelLimitIsRefusedAndSpendsNothing() {
        var fixture = MarketFixture { $0.latency = .milliseconds(10) }
        let tickets = (1...4).map { _ in fixture.market.admit(MarketFixture.request(), arrival: 0, at: fixture.now) }
        #expect(tickets.allSatisfy { $0.delay == .milliseconds(10) })
        let fifth = fixture.ask(order: 5)
        #expect(fifth.status == 420)
        #expect(fifth.says("Hit rate limit of 4 parallel requests for businessId 1001"))
        #expect(fifth.remaining == 996)
        #expect(fixture.ask(order: 5, business: 1002).status == 200)
        _ = fixture.market.settle(tickets[0], at: fixture.now)
        #expect(fixture.ask(order: 5).status == 200)
        #expect(fixture.business()?.parallelRefusals == 1)
        #expect(fixture.business()?.maxInFlight == 5)
        #expect(fixture.business()?.inFlight == 3)
    }

    @Test func aParallelRefusalSpendsWhereThatIsAskedFor() {
        var fixture = MarketFixture {
            $0.parallel = 1
            $0.parallelRefusalSpends = true
        }
        _ = fixture.market.admit(MarketFixture.request(), arrival: 0, at: fixture.now)
        #expect(fixture.ask(order: 5).status == 420)
        #expect(fixture.business()?.quotaRemaining == 998)
    }

    @Test func anotherIntegrationSpendsTheSameQuotaAndHoldsItsPlaces() {
        var fixture = MarketFixture {
            $0.sharedRequestsPerSecond = 0.5
            $0.sharedParallel = 3
            $0.quota = 10
        }
        _ = fixture.market.admit(MarketFixture.request(), arrival: 0, at: fixture.now)
        #expect(fixture.ask(order: 2).text.contains("parallel requests"))
        var other = MarketFixture {
            $0.sharedRequestsPerSecond = 0.5
            $0.quota = 10
        }
        #expect(other.ask(order: 1).remaining == 9)
        other.advance(.seconds(4))
        #expect(other.ask(order: 2).remaining == 6)
        other.advance(.seconds(12))
        #expect(other.ask(order: 3).status == 420)
        #expect(other.business()?.windows.last?.shared == 8)
    }

    @Test func theMarketsClockMayBeAheadOrBehind() async throws {
        var options = SandboxOptions()
        options.clockOffset = .seconds(-86_400 * 365)
        try await withSandbox(options) { sandbox in
            #expect(try await Client.createChat(sandbox).status == 200)
            let start = try #require(sandbox.state().businesses.first?.windows.first?.startSeconds)
            #expect(abs(start - (Double(time(nil)) - 86_400 * 365)) < 3700)
        }
    }
}
