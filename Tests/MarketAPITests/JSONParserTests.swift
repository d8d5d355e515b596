import TestSupport
import Testing

@testable import MarketAPI

@Suite(.concurrencyLimited) struct JSONParserTests {
    private func parse(_ text: String) throws -> JSONValue {
        try JSONParser.parse(Array(text.utf8))
    }

    @Test func everyKindOfValueIsRead() throws {
        let text = "\u{FEFF} \t\r\n{\"a\":[null,true,false,-0,1.5e+3,\"x\"],\"b\":{},\"c\":[ ]} \n"
        let array = JSONValue.array([.null, .bool(true), .bool(false), .number("-0"), .number("1.5e+3"), .string("x")])
        #expect(
            try parse(text)
                == .object([
                    .init(key: "a", value: array), .init(key: "b", value: .object([])),
                    .init(key: "c", value: .array([])),
                ]))
    }

    @Test(arguments: [
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0416\u00e9""#, "Жé"), (#""\ud83d\ude00""#, "😀"),
        (#""\ud83d""#, "\u{FFFD}"), (#""\ud83dx""#, "\u{FFFD}x"), (#""\ud83d\n""#, "\u{FFFD}\n"),
        (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"), (#""\ude00""#, "\u{FFFD}"), (#""\u0000""#, "\0"), ("\"Ж\"", "Ж"),
        ("\"Ж\\n😀\"", "Ж\n😀"),
    ])
    func stringsAreUnescaped(text: String, expected: String) throws {
        #expect(try parse(text) == .string(expected))
    }

    @Test(arguments: [
        "{", "}", "[", "]", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "[1 2]", "1 2", "tru",
        "nul",
        "True", "NaN", "Infinity", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x10", "\"", "\"\\", "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12G4\"", "\"\n\"", "\"a", "<html>", "{}{}", "// x", "\u{FEFF}\u{FEFF}1", "\"\\ud83d\\u12\"",
    ])
    func whatIsNotJSONIsMalformed(text: String) {
        let failure = #expect(throws: JSONParser.Failure.self) { try parse(text) }
        guard case .malformed(let offset)? = failure else {
            Issue.record("\(text): \(String(describing: failure))")
            return
        }
        #expect(0...text.utf8.count ~= offset)
    }

    @Test(arguments: [
        [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
        [0x22, 0x5C, 0x6E, 0xFF, 0x22], [0xFF, 0xFE, 0x31, 0x00],
    ])
    func whatIsNotUTF8IsMalformed(bytes: [UInt8]) {
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(bytes) }
    }

    @Test(arguments: ["", " ", "\u{FEFF}", "\n\n"])
    func nothingIsEmpty(text: String) {
        #expect(throws: JSONParser.Failure.empty) { try parse(text) }
    }

    @Test func nestingIsBounded() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try parse(nested(64))
        #expect(throws: JSONParser.Failure.tooDeep) { try parse(nested(65)) }
        #expect(throws: JSONParser.Failure.tooDeep) { try parse(String(repeating: "[", count: 500_000)) }
        #expect(throws: JSONParser.Failure.tooDeep) { try parse(String(repeating: "{\"a\":", count: 100_000)) }
    }

    @Test(arguments: [
        ("9223372036854775807", Int64.max), ("-9223372036854775808", .min), ("9007199254740993", 9_007_199_254_740_993),
        ("-0", 0), ("9223372036854775808", nil), ("1e3", nil), ("12.0", nil), ("1E0", nil), ("\"1\"", nil),
    ])
    func anIntegerIsExactOrNone(text: String, expected: Int64?) throws {
        #expect(try parse(text).int64 == expected)
    }

    @Test func aKeyThatComesTwiceCountsOnlyWhereBothSayTheSame() throws {
        let document = try parse(#"{"a":1,"a":1,"b":1,"b":2,"c":3}"#)
        #expect(document["a"]?.int64 == 1)
        #expect(document["b"] == nil)
        #expect(document["c"]?.int64 == 3)
    }
}
