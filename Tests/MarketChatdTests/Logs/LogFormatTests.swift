import Foundation
import Logging
import TestSupport
import Testing

@testable import MarketChatd

@Suite(.concurrencyLimited) struct LogFormatTests {
    private let time = WallTime(seconds: 1_788_967_080, milliseconds: 7)
    private let record = LogRecord(
        level: .info, message: "Chat created",
        metadata: ["outbox.id": "12", "chat.id": "34", "note": "two words", "list": ["a", "b"], "nested": ["k": "v"]])

    @Test func aTextLineHasTimeLevelMessageAndSortedValues() {
        #expect(
            TextFormat.line(record, at: time, isColoured: false)
                == "2026-09-09T15:18:00.007Z INFO     Chat created chat.id=34 list=\"a, b\" nested.k=v note=\"two words\""
                + " outbox.id=12\n")
    }

    @Test func colourIsAroundTimeAndLevelOnly() {
        let line = TextFormat.line(LogRecord(level: .error, message: "No"), at: time, isColoured: true)
        #expect(line == "\u{1B}[2m2026-09-09T15:18:00.007Z\u{1B}[0m \u{1B}[31mERROR   \u{1B}[0m No\n")
    }

    @Test func aJSONLineIsOneObject() throws {
        let line = JSONFormat.line(record, at: time)
        #expect(line.hasSuffix("}\n") && line.dropLast().contains("\n") == false)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
        #expect(
            object == [
                "time": "2026-09-09T15:18:00.007Z", "level": "info", "message": "Chat created", "chat.id": "34",
                "list": "a, b", "nested.k": "v", "note": "two words", "outbox.id": "12",
            ])
    }

    @Test func aValueCannotPassForTheMessageOfAJSONLine() throws {
        let forged = LogRecord(
            level: .info, message: "true", metadata: ["message": "false", "level": "x", "time": "y"])
        let line = JSONFormat.line(forged, at: time)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
        #expect(object["message"] == "true" && object["level"] == "info")
        #expect(object["metadata.message"] == "false")
    }

    @Test func aPrefixLineHasItsPriorityAndNoTime() {
        #expect(PrefixFormat.line(LogRecord(level: .warning, message: "Held")) == "<4>Held\n")
    }

    static let hostile = [
        "a\n<3>forged", "a\r\nforged", "\u{1B}[31mred", "x\u{0}y", "a\u{2028}b", "right\u{202E}left", "\u{7F}\u{85}",
        "tab\there",
        "quote \" and \\ slash", "=", "",
    ]

    @Test(arguments: hostile) func noTextCanForgeALineOrSteerATerminal(_ text: String) throws {
        let record = LogRecord(level: .info, message: text, metadata: ["market.message": "\(text)", "\(text)": "key"])
        for line in [
            TextFormat.line(record, at: time, isColoured: false), PrefixFormat.line(record),
            JSONFormat.line(record, at: time),
        ] {
            let body = line.dropLast()
            #expect(line.hasSuffix("\n"))
            #expect(
                !body.unicodeScalars.contains {
                    $0.value < 0x20 || $0.value == 0x7F || 0x2028...0x202E ~= $0.value
                        || (0x80..<0xA0 ~= $0.value)
                } || line.hasPrefix("{"))
            #expect(!body.contains("\n"))
        }
        let object = try JSONSerialization.jsonObject(with: Data(JSONFormat.line(record, at: time).utf8))
        #expect((object as? [String: String])?["market.message"] == text)
    }

    @Test func aValueIsQuotedSoThatItCanBeReadBack() {
        #expect(LogRecord.quotedIfNeeded("plain-1.2:3") == "plain-1.2:3")
        #expect(LogRecord.quotedIfNeeded("") == "\"\"")
        #expect(LogRecord.quotedIfNeeded("a=b") == "\"a=b\"")
        #expect(LogRecord.quotedIfNeeded("say \"hi\" \\ \n") == "\"say \\\"hi\\\" \\\\ \\n\"")
    }

    @Test func aLongValueIsCut() {
        let long = String(repeating: "я", count: 100_000)
        let record = LogRecord(level: .info, message: long, metadata: ["body": "\(long)", "spaced": "a \(long)"])
        #expect(record.line.count < 3 * LogRecord.longestValue + 100)
        #expect(record.line.contains("…"))
        #expect(JSONFormat.line(record, at: time).count < 3 * LogRecord.longestValue + 200)
    }

    @Test(arguments: zip(Logger.Level.allCases, [7, 7, 6, 5, 4, 3, 2])) func aLevelHasItsSyslogPriority(
        level: Logger.Level, priority: Int
    ) {
        #expect(level.syslogPriority == priority)
    }

    static let moments: [(Int64, String)] = [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
        (4_102_444_799, "2099-12-31T23:59:59.000Z"),
    ]

    @Test(arguments: moments) func aTimeIsWrittenAsRFC3339(seconds: Int64, text: String) {
        #expect(WallTime(seconds: seconds).rfc3339 == text)
    }
}

@Suite(.concurrencyLimited) struct LogHandlerTests {
    /// A logger whose records can be looked at.
    private func logger(_ records: Recorder, level: Logger.Level = .info) -> Logger {
        Logger(label: "test", output: LogOutput { records.add($0) }, level: level)
    }

    @Test func metadataOfLoggerAndCallComeTogetherAndTheCallWins() {
        let records = Recorder()
        var logger = logger(records)
        logger[metadataKey: "business.id"] = "1"
        logger[metadataKey: "chat.id"] = "old"
        logger.info("Settled", metadata: ["chat.id": "2"])
        logger.debug("not logged")
        #expect(
            records.all == [
                LogRecord(level: .info, message: "Settled", metadata: ["business.id": "1", "chat.id": "2"])
            ])
    }

    @Test func aQuieterLoggerNeverTellsMore() {
        #expect(logger(Recorder(), level: .debug).quieter(.warning).logLevel == .warning)
        #expect(logger(Recorder(), level: .critical).quieter(.warning).logLevel == .critical)
    }
}
