import MarketSandbox
import TestSupport
import Testing

@Suite(.concurrencyLimited) struct FaultRulesTests {
    @Test func theSameSeedGivesEachOrderTheSameFateWhateverComesBetween() {
        func fates(seed: UInt64, backwards: Bool) -> [Int64: [SandboxReply]] {
            var fixture = MarketFixture {
                $0.seed = seed
                $0.quota = 100_000
                $0.faults = .all(share: 0.1)
            }
            var fates: [Int64: [SandboxReply]] = [:]
            for _ in 1...3 {
                for id in backwards ? (1...200).reversed() : Array(1...200) {
                    var reply = fixture.ask(order: Int64(id))
                    (reply.headers, reply.body) = ([], [])
                    fates[Int64(id), default: []].append(reply)
                }
            }
            return fates
        }
        let fates7 = fates(seed: 7, backwards: false)
        #expect(fates7 == fates(seed: 7, backwards: true))
        #expect(fates7 != fates(seed: 8, backwards: false))
    }

    @Test func sharesHoldOverMany() {
        var fixture = MarketFixture {
            $0.quota = 100_000
            $0.faults = .all(share: 0.05)
        }
        for id in 1...4000 { _ = fixture.ask(order: Int64(id)) }
        let faults = fixture.market.state(at: fixture.now).faults
        #expect(faults.count == 9)
        for (name, count) in faults { #expect((140...260).contains(count), "\(name): \(count)") }
    }

    @Test(arguments: [
        (SandboxFaults.only(\.error500), 500, false), (.only(\.error502), 502, false),
        (.only(\.error503), 503, false), (.only(\.error504), 504, true), (.only(\.redirect), 302, false),
    ])
    func aServerErrorIsDrawnBeforeOrAfterTheWork(
        faults: SandboxFaults, status: Int, isDone: Bool
    ) {
        var fixture = MarketFixture { $0.faults = faults }
        let reply = fixture.ask(order: 1)
        #expect(reply.status == status)
        #expect(reply.header("Location") == (status == 302 ? "/sandbox/trap" : nil))
        #expect(fixture.market.state(at: fixture.now).chats.count == (isDone ? 1 : 0))
    }

    @Test func aResetComesBeforeTheWorkOrLosesTheAnswer() throws {
        var before = MarketFixture { $0.faults.resetBefore = 1 }
        #expect(before.ask(order: 1).delivery == .nothing)
        #expect(before.market.state(at: before.now).chats.isEmpty)
        var after = MarketFixture { $0.faults.resetAfter = 1 }
        #expect(after.ask(order: 1).delivery == .nothing)
        let chats = after.market.state(at: after.now).chats
        let chatID = try #require(chats.values.first)
        try after.strike(SandboxFaults())
        #expect(after.ask(order: 1).text == #"{"status":"OK","result":{"chatId":\#(chatID)}}"#)
    }

    @Test func noMalformedAnswerIsARightOneAndAllKindsCome() {
        var fixture = MarketFixture {
            $0.quota = 100_000
            $0.faults.malformed = 1
        }
        var kinds: Set<String> = []
        for id in 1...400 {
            let reply = fixture.ask(order: Int64(id))
            #expect(reply.status == 200)
            let chatID = fixture.market.state(at: fixture.now).chats[
                SandboxContext(businessID: 1001, kind: .order, id: Int64(id))]
            let right = #"{"status":"OK","result":{"chatId":\#(chatID ?? 0)}}"#
            #expect(chatID != nil)
            #expect(reply.text != right || reply.delivery != .whole)
            kinds.insert(
                "\(reply.delivery) \(reply.body.count > 1000 ? "\(reply.body.count)" : reply.text)"
                    .replacing("\(chatID ?? 0)", with: "N"))
        }
        #expect(kinds.count == 17)
    }

    @Test func aSlowAnswerTakesItsTimeAndTheServersPatienceEnds() {
        var fixture = MarketFixture {
            $0.faults.slow = 1
            $0.faults.slowMilliseconds = 300
            $0.latency = .milliseconds(20)
        }
        #expect(
            fixture.market.admit(MarketFixture.request(), arrival: 0, at: fixture.now).delay == .milliseconds(320))
        var endless = MarketFixture {
            $0.faults.slow = 1
            $0.faults.slowMilliseconds = 11_000
        }
        let admitted = endless.market.admit(MarketFixture.request(), arrival: 0, at: endless.now)
        #expect(admitted.delay == .seconds(10))
        #expect(endless.market.settle(admitted, at: endless.now).status == 504)
    }

    @Test func anOutageStrikesEverythingUntilItEnds() throws {
        var fixture = MarketFixture { $0.outage = .unavailable }
        let campaigns = SandboxRequest(method: "GET", target: "/v2/campaigns", apiKey: SandboxKey.defaultToken)
        #expect(fixture.ask(order: 1).says("Service temporarily unavailable. Please, try again later"))
        #expect(fixture.ask(campaigns).status == 503)
        var change = SandboxChange()
        change.outage = .reset
        try fixture.market.apply(change)
        #expect(fixture.ask(order: 1).delivery == .nothing)
        change.outage = .hang
        try fixture.market.apply(change)
        let admitted = fixture.market.admit(MarketFixture.request(), arrival: 0, at: fixture.now)
        #expect(admitted.delay == .seconds(10))
        #expect(fixture.market.settle(admitted, at: fixture.now).status == 504)
        change.outage = SandboxChange.Outage.none
        try fixture.market.apply(change)
        #expect(fixture.ask(order: 1).status == 200)
        #expect(fixture.business()?.statuses == [0: 1, 200: 1, 503: 1, 504: 1])
        #expect(fixture.business()?.quotaRemaining == 999)
    }

    @Test func errorsComeInTheOlderShapeWhereAskedFor() {
        var fixture = MarketFixture { $0.oldErrorShape = 1 }
        #expect(
            fixture.ask(MarketFixture.request(key: nil)).text
                == #"{"error":{"code":401,"message":"Credentials are not specified"},"#
                + #""errors":[{"code":"UNAUTHORIZED","message":"Credentials are not specified"}]}"#)
    }

    @Test func anImpossibleChangeIsRefusedWhole() {
        var fixture = MarketFixture()
        var change = SandboxChange()
        change.outage = .reset
        change.quota = 0
        #expect(throws: SandboxChangeError.self) { try fixture.market.apply(change) }
        #expect(fixture.ask(order: 1).status == 200)
        change.quota = nil
        change.faults = .all(share: 0.2)
        #expect(throws: SandboxChangeError.self) { try fixture.market.apply(change) }
        change.faults = nil
        change.lockOuts = ["x": .denied]
        #expect(throws: SandboxChangeError.self) { try fixture.market.apply(change) }
        #expect(fixture.ask(order: 2).status == 200)
    }

    @Test func arrivalsOfTheFirstTheLastAndEachContextAreKept() throws {
        var fixture = MarketFixture { $0.arrivalsKept = 3 }
        for id in [1, 2, 1, 3, 1] as [Int64] {
            _ = fixture.ask(order: id)
            fixture.advance(.nanoseconds(1))
        }
        let start = MarketFixture().now.monotonicNanoseconds
        let state = fixture.market.state(at: fixture.now)
        let business = try #require(state.businesses.first)
        #expect(business.firstArrivals == [start, start + 1, start + 2])
        #expect(business.lastArrivals == [start + 2, start + 3, start + 4])
        let context = try #require(state.contexts.first)
        #expect(context.arrivals == [start, start + 2, start + 4])
        #expect(context.requests == 3)
    }
}
