import Foundation
import Harness
import TestSupport
import Testing

@testable import MarketAPI

/// Seeded: a failure names the seed and the body, which fail again alone.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct FuzzTests {
    private static let bodies = [
        #"{"status":"OK","result":{"chatId":9007199254740993}}"#,
        #"{"status":"ERROR","errors":[{"code":"NOT_FOUND","message":"Order not found: 'orderId' \u0416\ud83d\ude00"}]}"#,
        #"{"error":{"code":403,"message":"Ж"},"errors":[{"code":null}],"status":"ERROR"}"#,
        #"{"status":"OK","result":{"apiKey":{"name":"n","authScopes":["COMMUNICATION"]}}}"#,
        #"{"campaigns":[{"id":1,"business":{"id":2},"placementType":"FBS"}],"paging":{"nextPageToken":"t"}}"#,
        "<html><body>502 Bad Gateway</body></html>",
    ].map { Array($0.utf8) }

    private static let tokens = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83d", "null", "-", "1e999", "0", "9223372036854775808",
        "\0",
        "\u{FEFF}", "\"chatId\":", "\"status\":\"OK\",", "s3cr3t", "\n", "\u{2028}", "\u{301}",
    ].map { Array($0.utf8) }

    private func mutated(_ body: [UInt8], by random: inout SplitMix64) -> [UInt8] {
        var body = body
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let position = Int.random(in: 0...body.count, using: &random)
            let length = Int.random(in: 0...min(12, body.count - position), using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where position < body.count: body[position] = UInt8.random(in: .min ... .max, using: &random)
            case 1: body.removeSubrange(position..<(position + length))
            case 2: body.insert(contentsOf: body[position..<(position + length)], at: position)
            case 3: body.insert(contentsOf: Self.tokens.randomElement(using: &random) ?? [], at: position)
            case 4: body.removeLast(Int.random(in: 0...min(5, body.count), using: &random))
            default: body.insert(UInt8.random(in: .min ... .max, using: &random), at: position)
            }
        }
        return body
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func noBodyCrashesTheParsingAndNothingImpossibleComesOut(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let parsing = AnswerParsing(safe: SafeText(hiding: "s3cr3t"))
        for _ in 0..<4000 {
            let body = mutated(Self.bodies.randomElement(using: &random) ?? [], by: &random)
            let shown = Comment(rawValue: "seed \(seed): \(String(decoding: body, as: UTF8.self)) \(body)")
            switch parsing.createdChat(status: 200, body: body) {
            case .ok(let chat): #expect(chat.chatID >= 1, shown)
            case .malformed(_, let reason): #expect(isFitForLogs(reason, limit: 1000), shown)
            case .httpError, .failed: Issue.record(shown)
            }
            let problem = parsing.problem(body: body)
            #expect(isFitForLogs(problem.code ?? "x", limit: 200), shown)
            #expect(isFitForLogs(problem.message ?? "x", limit: 1000), shown)
            _ = parsing.keyInfo(status: 200, body: body)
            _ = parsing.campaigns(status: 200, body: body)
        }
    }

    /// A second opinion: whatever our reader takes, Foundation's takes too, and the other way round, but for byte order
    /// marks, halves of surrogate pairs and numbers beyond a Double, where they differ by intent.
    @Test(arguments: [5, 6] as [UInt64])
    func ourReaderAndFoundationAgreeOnWhatIsJSON(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<2000 {
            let body = mutated(Self.bodies.randomElement(using: &random) ?? [], by: &random)
            let text = String(decoding: body, as: UTF8.self)
            if text.lowercased().contains("\\ud") || text.contains("\u{FEFF}") || text.contains(/[eE][+-]?[0-9]{3}/) {
                continue
            }
            let isOurs = (try? JSONParser.parse(body)) != nil
            let isTheirs = (try? JSONSerialization.jsonObject(with: Data(body), options: .fragmentsAllowed)) != nil
            #expect(isOurs == isTheirs, "seed \(seed): \(text) \(body)")
        }
    }

    private func isFitForLogs(_ text: String, limit: Int) -> Bool {
        let isPrintable = text.unicodeScalars.allSatisfy {
            !(0...0x1F ~= $0.value || 0x7F...0x9F ~= $0.value || $0 == "\u{2028}")
        }
        return !text.isEmpty && text.unicodeScalars.count <= limit && isPrintable
            && !text.utf8.contains(Array("s3cr3t".utf8))
    }
}
