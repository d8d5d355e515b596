import MarketSandbox
import TestSupport
import Testing

@Suite(.concurrencyLimited) struct ChatRulesTests {
    @Test func aContextHasOneChatHoweverOftenItIsAskedFor() {
        var fixture = MarketFixture()
        let first = fixture.ask(order: 17)
        #expect(first.status == 200)
        #expect(fixture.ask(order: 17).body == first.body)
        #expect(fixture.ask(order: 18).body != first.body)
        #expect(fixture.ask(return: 17).body != first.body)
        #expect(fixture.ask(order: 17, business: 1002).body != first.body)
        #expect(fixture.market.state(at: fixture.now).chats.count == 4)
    }

    @Test func aChatIDReadAsADoubleIsAnotherOne() throws {
        var fixture = MarketFixture { $0.seed = 999_999 }
        for id in 1...50 {
            _ = fixture.ask(order: Int64(id))
        }
        let chats = fixture.market.state(at: fixture.now).chats
        #expect(chats.count == 50)
        for chatID in chats.values {
            #expect(chatID > 1 << 53)
            #expect(Int64(Double(chatID)) != chatID)
        }
    }

    @Test(arguments: [
        ("", "Required request body is missing"),
        (" \n", "Required request body is missing"),
        ("null", "Required request body is missing"),
        ("[]", "Illegal input at ''"),
        ("{}", "'context' must not be null (rejected value: null)"),
        (#"{"orderId":17}"#, "'context' must not be null (rejected value: null)"),
        (#"{"context":null}"#, "'context' must not be null (rejected value: null)"),
        (#"{"context":[]}"#, "Illegal input at 'context'"),
        (#"{"Context":{"type":"ORDER","id":17}}"#, "'context' must not be null (rejected value: null)"),
        (#"{"context":{"id":17}}"#, "'context.type' must not be null (rejected value: null)"),
        (#"{"context":{"type":"ORDER"}}"#, "'context.id' must not be null (rejected value: null)"),
        (#"{"context":{"type":"order","id":17}}"#, "Illegal input at 'context.type'"),
        (#"{"context":{"type":1,"id":17}}"#, "Illegal input at 'context.type'"),
        (
            #"{"context":{"type":"ORDER","id":0}}"#,
            "'context.id' must be greater than or equal to 1 (rejected value: 0)"
        ),
        (
            #"{"context":{"type":"RETURN","id":-9223372036854775808}}"#,
            "'context.id' must be greater than or equal to 1 (rejected value: -9223372036854775808)"
        ),
        (#"{"context":{"type":"ORDER","id":"17"}}"#, "Illegal input at 'context.id'"),
        (#"{"context":{"type":"ORDER","id":17.0}}"#, "Illegal input at 'context.id'"),
        (#"{"context":{"type":"ORDER","id":1e3}}"#, "Illegal input at 'context.id'"),
        (
            #"{"context":{"type":"ORDER","id":9223372036854775808}}"#,
            "JSON: Numeric value (9223372036854775808) out of range of long at 'context.id'"
        ),
        (#"{"context":{"type":"ORDER","id":017}}"#, "JSON: expected '}' at offset 33"),
        (#"{"context":{"type":"ORDER","id":17}},"#, "JSON: unexpected text after the value at offset 36"),
        (#"{"context":{"type":"ORDER","id":17},}"#, #"JSON: expected '\"' at offset 36"#),
        (#"{"context":{"type":"ORDER","#, #"JSON: expected '\"' at offset 27"#),
        (#"{"context":{"type":"ORD"#, "JSON: unexpected end of the body at offset 23"),
        (#"{"context":{"type":"\ud800"}}"#, "JSON: half a surrogate pair at offset 26"),
    ])
    func aBodyThatIsNotTheVendorsIsRefusedByItsText(body: String, message: String) {
        var fixture = MarketFixture()
        let reply = fixture.ask(MarketFixture.request(body))
        #expect(reply.status == 400)
        #expect(reply.says(message), "\(reply.text)")
    }

    @Test func everyComplaintAboutABodyIsListed() {
        var fixture = MarketFixture()
        let reply = fixture.ask(MarketFixture.request(#"{"context":{}}"#))
        #expect(reply.says("'context.type' must not be null (rejected value: null)"))
        #expect(reply.says("'context.id' must not be null (rejected value: null)"))
    }

    @Test(arguments: [
        #"{"context":{"type":"ORDER","id":9223372036854775807}}"#,
        #" { "context" : { "id" : 1 , "type" : "\u004fRDER" , "future" : [ 1.5e-3 , { } ] } , "orderId" : "x" } "#,
        #"{"context":{"type":"RETURN","id":3,"id":4}}"#,
    ])
    func unknownFieldsOrderAndEscapesDoNotMatter(body: String) {
        var fixture = MarketFixture()
        #expect(fixture.ask(MarketFixture.request(body)).status == 200)
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        var fixture = MarketFixture()
        var request = MarketFixture.request()
        request.body.append(0xFF)
        #expect(fixture.ask(request).text.contains("JSON: the body is not UTF-8"))
    }

    @Test func theOlderBodyWorksOnlyWhereItIsAskedFor() {
        var fixture = MarketFixture { $0.acceptsLegacyOrderID = true }
        let reply = fixture.ask(MarketFixture.request(#"{"orderId":17}"#))
        #expect(reply.status == 200)
        #expect(fixture.ask(order: 17).body == reply.body)
        let refusal = fixture.ask(MarketFixture.request(#"{"orderId":0}"#))
        #expect(refusal.says("'orderId' must be greater than or equal to 1 (rejected value: 0)"))
    }

    @Test func aCabinetOfDBSShopsAloneTakesNoReturns() {
        var fixture = MarketFixture {
            $0.businesses = [
                SandboxBusiness(id: 1001, placements: [.dbs]), SandboxBusiness(id: 1002, placements: [.dbs, .express]),
            ]
        }
        let reply = fixture.ask(return: 17)
        #expect(reply.status == 400)
        #expect(reply.says("Campaign type is not allowed. Allowed campaign types: FBY, FBS, EXPRESS"))
        #expect(fixture.ask(order: 17).status == 200)
        #expect(fixture.ask(return: 17, business: 1002).status == 200)
    }

    @Test func aMissingOrderAppearsWhenItsRuleSays() {
        var fixture = MarketFixture {
            $0.missing.ids = [1: .never, 2: .untilAsked(2), 3: .untilElapsed(.seconds(5))]
        }
        for _ in 1...5 {
            let reply = fixture.ask(order: 1)
            #expect(reply.status == 404)
            #expect(reply.says("Order not found: '1'"))
        }
        #expect([1, 2, 3, 4].map { _ in fixture.ask(order: 2).status } == [404, 404, 200, 200])
        #expect(fixture.ask(return: 3).says("Return not found: '3'"))
        fixture.advance(.milliseconds(4999))
        #expect(fixture.ask(return: 3).status == 404)
        fixture.advance(.milliseconds(1))
        #expect(fixture.ask(return: 3).status == 200)
    }

    @Test func sharesOfMissingOrdersHoldOverMany() {
        var fixture = MarketFixture {
            $0.quota = 100_000
            $0.missing.neverShare = 0.1
            $0.missing.lateShare = 0.2
            $0.missing.lateRule = .untilAsked(1)
        }
        let found = (1...5000).map { fixture.ask(order: $0).status == 200 ? 1 : 0 }.reduce(0, +)
        let foundLater = (1...5000).map { fixture.ask(order: $0).status == 200 ? 1 : 0 }.reduce(0, +)
        #expect((3350...3650).contains(found), "\(found)")
        #expect((4400...4600).contains(foundLater), "\(foundLater)")
    }
}
