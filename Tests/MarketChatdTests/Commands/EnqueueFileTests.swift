import ChatOutbox
import TestSupport
import Testing

@testable import MarketChatd

@Suite(.concurrencyLimited) struct EnqueueFileTests {
    private func bytes(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }

    private func format(
        _ header: String, _ defaults: EnqueueFileFormat.Defaults = .init(businessID: 11)
    ) throws(EnqueueFileFormat.Mistake) -> EnqueueFileFormat {
        try EnqueueFileFormat(header: bytes(header), defaults: defaults)
    }

    private func mistake(_ body: () throws(EnqueueFileFormat.Mistake) -> Void) -> String {
        do throws(EnqueueFileFormat.Mistake) {
            try body()
            return ""
        } catch {
            return error.text
        }
    }

    // MARK: Lines

    /// Whatever the chunks, the lines are the same.
    @Test(arguments: 1...12) func linesDoNotDependOnChunks(size: Int) {
        let text = Array("a\r\nbc\n\n\r\nlast".utf8)
        var splitter = LineSplitter()
        var lines: [LineSplitter.Line] = []
        for start in stride(from: 0, to: text.count, by: size) {
            lines += splitter.add(Array(text[start..<min(start + size, text.count)]))
        }
        if let line = splitter.end() { lines.append(line) }
        #expect(lines == ["a", "bc", "", "", "last"].map { .text(bytes($0)) })
    }

    @Test func aLineWithoutAnEndIsNotKept() {
        var splitter = LineSplitter()
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 3000)
        for _ in 1...100 { #expect(splitter.add(chunk).isEmpty) }
        #expect(splitter.add(Array("\nnext\n".utf8)) == [.tooLong, .text(bytes("next"))])
        #expect(splitter.end() == nil)
        #expect(splitter.add(chunk + chunk).isEmpty)
        #expect(splitter.end() == .tooLong)
    }

    @Test func aLineOfTheLimitIsALine() {
        var splitter = LineSplitter()
        let longest = [UInt8](repeating: UInt8(ascii: "x"), count: LineSplitter.limitBytes)
        #expect(splitter.add(longest + Array("\n".utf8)) == [.text(longest[...])])
        #expect(splitter.add(longest + Array("x\n".utf8)) == [.tooLong])
    }

    // MARK: Fields

    @Test(arguments: [
        ("ORDER,1", ["ORDER", "1"]), (" ORDER , 1 ", ["ORDER", "1"]), (#""ORDER","1""#, ["ORDER", "1"]),
        (#" "OR""DER" ,"a,b","#, ["OR\"DER", "a,b", ""]), (",", ["", ""]), ("", [""]), (#""""#, [""]),
        (#"a"b,c"#, ["a\"b", "c"]),
    ])
    func fieldsAreThoseOfRFC4180(line: String, fields: [String]) throws {
        #expect(try CSVFields.split(bytes(line), by: UInt8(ascii: ",")) == fields)
    }

    @Test(arguments: [
        (#""ORDER,1"#, "has a quotation mark that is not closed"), (#""a"b,1"#, "has text behind a quotation mark"),
    ])
    func whatIsNoFieldIsToldOf(line: String, mistake: String) {
        #expect(throws: CSVFields.Mistake(text: mistake)) { try CSVFields.split(bytes(line), by: UInt8(ascii: ",")) }
    }

    // MARK: The header

    @Test(arguments: [
        ("context_type,context_id", "RETURN,5"), ("context_id,context_type", "5,RETURN"),
        ("\u{FEFF}\"context_type\";\"Context_ID\"", "return;5"), ("context_type\tcontext_id", "RETURN\t5"),
        ("priority,due_at,context_id,business_id,context_type", ",,5,,RETURN"),
    ])
    func columnsComeInAnyOrderAndForm(header: String, line: String) throws {
        let row = try format(header).row(bytes(line))
        #expect(row == OperatorSession.NewRow(businessID: 11, contextType: "RETURN", contextID: 5))
    }

    @Test func whatALineDoesNotSayTheOptionsSay() throws {
        let format = try format(
            "context_type,context_id,priority,due_at,business_id", .init(businessID: 11, priority: 3, dueAt: "then"))
        #expect(
            try format.row(bytes("ORDER,1,,,"))
                == OperatorSession.NewRow(
                    businessID: 11, contextType: "ORDER", contextID: 1, priority: 3, dueAt: "then"))
        #expect(
            try format.row(bytes("ORDER,1,-4,2026-11-27T09:00Z,12"))
                == OperatorSession.NewRow(
                    businessID: 12, contextType: "ORDER", contextID: 1, priority: -4,
                    dueAt: "2026-11-27 09:00:00.000000+00:00"))
    }

    @Test(arguments: [
        ("context_type,context_ids", "its header has an unknown column \"context_ids\": did you mean context_id?"),
        ("context_type", "its header has no column context_id: "), ("", "its header has an unknown column \"\": "),
        ("context_type,context_id,context_id", "its header has the column context_id twice"),
        ("ORDER,1", "its header has an unknown column \"ORDER\": the first line has to be the header"),
        ("\u{1}\u{1B}[31m", "its header has an unknown column \"\\u{1}\\u{1b}[31m\""),
        ("\"context_type", "its header has a quotation mark that is not closed"),
    ])
    func aHeaderThatCannotBeUsedIsToldOf(header: String, text: String) {
        let told = mistake { () throws(EnqueueFileFormat.Mistake) in _ = try format(header) }
        #expect(told.hasPrefix(text), "\(told)")
    }

    @Test func aBusinessThatNobodyNamesIsToldOf() {
        let told = mistake { () throws(EnqueueFileFormat.Mistake) in
            _ = try format("context_type,context_id", .init())
        }
        #expect(told == "it has no column business_id: name the business with --business")
        let later = mistake { () throws(EnqueueFileFormat.Mistake) in
            _ = try format("context_type,context_id,business_id", .init()).row(bytes("ORDER,1,"))
        }
        #expect(later == "has no business_id: fill it in, or name the business with --business")
    }

    @Test func aFileOfTwoByteCharactersIsToldOf() {
        let told = mistake { () throws(EnqueueFileFormat.Mistake) in
            _ = try EnqueueFileFormat(header: [0xFF, 0xFE, 0x63, 0], defaults: .init(businessID: 1))
        }
        #expect(told == "it is UTF-16: save it as CSV in UTF-8")
    }

    // MARK: Rows

    @Test(arguments: [
        ("ORDERS,1,,", "context_type \"ORDERS\" is neither ORDER nor RETURN"),
        (",1,,", "context_type is empty and is neither ORDER nor RETURN"),
        ("ORDER,0,,", "context_id \"0\" is no whole number from 1 to 9223372036854775807"),
        ("ORDER,-1,,", "context_id \"-1\" is no whole number from 1 to 9223372036854775807"),
        ("ORDER,9223372036854775808,,", "context_id \"9223372036854775808\" is no whole number"),
        ("ORDER,1.0E+10,,", "context_id \"1.0E+10\" is no whole number"),
        ("ORDER,1,32768,", "priority \"32768\" is no whole number from -32768 to 32767"),
        ("ORDER,1,,2026-11-27T10:00", "due_at \"2026-11-27T10:00\" has no zone"),
        ("ORDER,1", "has 2 fields, and the header 4"), ("ORDER,1,,,,", "has 6 fields, and the header 4"),
        ("ORDER,\u{1B}[2J,,", "context_id \"\\u{1b}[2J\" is no whole number"),
        ("\u{0}\u{0},1,,", "context_type \"\\u{0}\\u{0}\" is neither"),
    ])
    func aBadLineIsToldOf(line: String, text: String) {
        let told = mistake { () throws(EnqueueFileFormat.Mistake) in
            _ = try format("context_type,context_id,priority,due_at").row(bytes(line))
        }
        #expect(told.hasPrefix(text), "\(told)")
    }

    @Test(arguments: ["", "  ", ",,,", "\"\",,,"]) func aLineThatSaysNothingIsNoLine(line: String) throws {
        #expect(try format("context_type,context_id,priority,due_at").row(bytes(line)) == nil)
    }
}
