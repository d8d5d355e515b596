import TestSupport
import Testing

@testable import MarketAPI

@Suite(.concurrencyLimited) struct AnswerParsingTests {
    private let parsing = AnswerParsing(safe: SafeText(hiding: "s3cr3t"))

    private func createdChat(_ body: String) -> MarketAnswer<CreatedChat> {
        parsing.createdChat(status: 200, body: Array(body.utf8))
    }

    @Test(arguments: [
        (#"{"status":"OK","result":{"chatId":1}}"#, 1),
        (#"{"status":"OK","result":{"chatId":9007199254740993}}"#, 9_007_199_254_740_993),
        (#"{"status":"OK","result":{"chatId":9223372036854775807}}"#, Int64.max),
        (#"{"new":[{}],"result":{"chatId":5,"status":"NEW","x":null},"status":"OK","errors":null}"#, 5),
    ])
    func aChatIDIsExact(body: String, chatID: Int64) {
        #expect(createdChat(body) == .ok(CreatedChat(chatID: chatID)))
    }

    @Test(arguments: [
        ("", "the body is empty"), ("{}", "status is missing"), ("[]", "status is missing"),
        ("null", "status is missing"),
        (#"{"result":{"chatId":5}}"#, "status is missing"),
        (#"{"status":1,"result":{"chatId":5}}"#, "status is missing"),
        (#"{"status":"ok","result":{"chatId":5}}"#, "status is ok"),
        (#"{"status":"NEW_STATUS","result":{"chatId":5}}"#, "status is NEW_STATUS"),
        (#"{"status":"","result":{"chatId":5}}"#, "status is empty"),
        (#"{"status":"ERROR","errors":null}"#, "status is ERROR"),
        (#"{"status":"ERROR","errors":[{"code":"X","message":"why s3cr3t"}]}"#, "status is ERROR: X: why ***"),
        (#"{"status":"OK"}"#, "result.chatId is missing"),
        (#"{"status":"OK","result":null}"#, "result.chatId is missing"),
        (#"{"status":"OK","result":[]}"#, "result.chatId is missing"),
        (#"{"status":"OK","result":{"chatID":5}}"#, "result.chatId is missing"),
        (#"{"status":"OK","result":{"chatId":0}}"#, "result.chatId is 0"),
        (#"{"status":"OK","result":{"chatId":-5}}"#, "result.chatId is -5"),
        (#"{"status":"OK","result":{"chatId":1e3}}"#, "result.chatId is not an int64"),
        (#"{"status":"OK","result":{"chatId":12.0}}"#, "result.chatId is not an int64"),
        (#"{"status":"OK","result":{"chatId":"5"}}"#, "result.chatId is not an int64"),
        (#"{"status":"OK","result":{"chatId":null}}"#, "result.chatId is not an int64"),
        (#"{"status":"OK","result":{"chatId":9223372036854775808}}"#, "result.chatId is not an int64"),
        (#"{"status":"OK","result":{"chatId":5,"chatId":6}}"#, "result.chatId is missing"),
        ("<html>s3cr3t</html>", "the body is not JSON (byte 0): <html>***</html>"),
        (String(repeating: "[", count: 100), "the body is nested too deeply"),
    ])
    func aSuccessWithoutAChatIsUnusable(body: String, reason: String) {
        #expect(createdChat(body) == .malformed(status: 200, reason: reason))
    }

    @Test(arguments: [
        (#"{"status":"ERROR","errors":[{"code":"A","message":"b"},{"code":"C"}]}"#, "A", "b"),
        (#"{"errors":[{"code":"A"}]}"#, "A", nil), (#"{"errors":[null,1,{},{"code":"A","message":null}]}"#, "A", nil),
        (#"{"errors":[{"code":403,"message":"b","x":1}]}"#, "403", "b"),
        (#"{"error":{"code":403,"message":"b"},"errors":[{"code":"A","message":"c"}]}"#, "A", "c"),
        (#"{"error":{"code":403,"message":"b"},"errors":null}"#, "403", "b"),
        (#"{"error":{"code":"403"},"errors":[]}"#, "403", nil), (#"{"errors":["text"]}"#, nil, "text"),
        (#"{"status":404,"error":"Not Found","path":"/x"}"#, nil, "Not Found"),
        (#"{"code":"A","message":"b"}"#, "A", "b"),
        // No error in it, so its first characters.
        (#"{"errors":null}"#, nil, #"{"errors":null}"#),
        (#"{"errors":{"code":"A"}}"#, nil, #"{"errors":{"code":"A"}}"#),
        ("<html>\n\n  oops\0</html>", nil, "<html> oops </html>"), ("", nil, nil), (" \n", nil, nil),
        (#"{"errors":[{"code":"A","message":"s3cr3t\u0000\n\u001b[31mx\u2028"}]}"#, "A", "*** [31mx"),
    ])
    func anErrorBodyIsReadInEveryShape(body: String, code: String?, message: String?) {
        #expect(parsing.problem(body: Array(body.utf8)) == MarketProblem(code: code, message: message))
    }

    @Test func theTextsOfAProblemAreBoundedWhateverACharacterIs() throws {
        // One Character of very many scalars.
        let long = "e" + String(repeating: "\u{301}", count: 50_000)
        let body = #"{"errors":[{"code":"\#(long)","message":"\#(long)"}]}"#
        let problem = parsing.problem(body: Array(body.utf8))
        #expect(problem.code?.unicodeScalars.count == 200)
        #expect(problem.message?.unicodeScalars.count == 1000)
    }

    @Test func aSecretIsHiddenBeforeATextIsCut() {
        // A cut through the key would leave its beginning.
        for prefix in 0..<1000 where prefix % 7 == 0 || prefix > 985 {
            let message = String(repeating: "x", count: prefix) + "s3cr3t\u{301}s3cr3t"
            let problem = parsing.problem(body: Array(message.utf8))
            #expect(problem.message?.contains("s3") == false)
        }
    }

    @Test func aKeysInfoIsReadWithWhatIsThere() {
        func keyInfo(_ body: String) -> MarketAnswer<APIKeyInfo> {
            parsing.keyInfo(status: 200, body: Array(body.utf8))
        }
        #expect(
            keyInfo(#"{"status":"OK","result":{"apiKey":{"name":"k","authScopes":["ALL_METHODS","NEW"]}}}"#)
                == .ok(APIKeyInfo(name: "k", scopes: ["ALL_METHODS", "NEW"])))
        #expect(keyInfo(#"{"status":"OK","result":{"apiKey":{}}}"#) == .ok(APIKeyInfo(name: nil, scopes: [])))
        let long = String(repeating: "S", count: 9000)
        let hostile = keyInfo(##"{"status":"OK","result":{"apiKey":{"authScopes":["\u001b[2J","\##(long)"]}}}"##)
        guard case .ok(let info) = hostile else {
            Issue.record("\(hostile)")
            return
        }
        #expect(info.scopes.count == 2 && info.scopes.allSatisfy { !$0.contains("\u{1B}") && $0.count < 300 })
        #expect(
            keyInfo(#"{"status":"OK","result":{"apiKey":{"authScopes":[null,1,"X"]}}}"#)
                == .ok(APIKeyInfo(name: nil, scopes: ["X"])))
        #expect(keyInfo(#"{"status":"OK"}"#) == .malformed(status: 200, reason: "result.apiKey is missing"))
        #expect(keyInfo(#"{"status":"ERROR"}"#) == .malformed(status: 200, reason: "status is ERROR"))
    }

    @Test func aPageOfCampaignsIsReadWithWhatIsThere() {
        func campaigns(_ body: String) -> MarketAnswer<CampaignPage> {
            parsing.campaigns(status: 200, body: Array(body.utf8))
        }
        let body = """
            {"campaigns":[{"id":1,"domain":"x","business":{"id":2,"name":"y"},"placementType":"FBS",
            "apiAvailability":"AVAILABLE"},{"id":"x"},null,{"id":3,"business":null,"placementType":"MOON"}],
            "pager":{},"paging":{"nextPageToken":"abc"}}
            """
        let first = CampaignPage.Campaign(id: 1, businessID: 2, placementType: "FBS", apiAvailability: "AVAILABLE")
        let second = CampaignPage.Campaign(id: 3, businessID: nil, placementType: "MOON", apiAvailability: nil)
        #expect(campaigns(body) == .ok(CampaignPage(campaigns: [first, second], nextPageToken: "abc")))
        let empty = MarketAnswer.ok(CampaignPage(campaigns: [], nextPageToken: nil))
        #expect(campaigns(#"{"campaigns":[]}"#) == empty)
        #expect(campaigns(#"{"campaigns":[],"paging":{"nextPageToken":""}}"#) == empty)
        #expect(campaigns(#"{"status":"OK","campaigns":[]}"#) == empty)
        #expect(campaigns("{}") == .malformed(status: 200, reason: "campaigns is missing"))
        let error = #"{"status":"ERROR","errors":[{"code":"X"}],"campaigns":[]}"#
        #expect(campaigns(error) == .malformed(status: 200, reason: "status is ERROR: X"))
    }
}
