import TestSupport
import Testing

@testable import MarketChatd

@Suite(.concurrencyLimited) struct TerminalTests {
    private func table(_ texts: [[String]]) -> TextTable {
        var table = TextTable([.init(title: "ID", isNumber: true), .init(title: "MESSAGE", mayBeCut: true)])
        table.rows = texts.map { $0.map { .init($0, .bad) } }
        return table
    }

    @Test func inAPipeNothingIsCutAndNothingIsColoured() {
        let long = String(repeating: "x", count: 300)
        let lines = table([["7", "short"], ["4711", long]]).lines(width: nil) { text, _ in text }
        #expect(lines == ["  ID  MESSAGE", "   7  short", "4711  \(long)"])
    }

    @Test func onATerminalTheTableFits() {
        let lines = table([["4711", String(repeating: "x", count: 300)]]).lines(width: 40) { text, _ in text }
        #expect(lines.allSatisfy { $0.count <= 40 })
        #expect(lines.last?.hasSuffix("x…") == true)
    }

    @Test func columnsThatMayBeLeftOutAreWhereTheTerminalIsNarrow() {
        var table = TextTable([
            .init(title: "ID", isNumber: true), .init(title: "STATE"), .init(title: "LATER", leftOut: 2),
            .init(title: "OLDEST", leftOut: 1),
        ])
        table.rows = [["1234567", "working", "12", "3 min"]]
        let widths = [40, 24, 20]
        let heads = widths.map { width in table.lines(width: width) { text, _ in text }[0].split(separator: " ") }
        #expect(heads == [["ID", "STATE", "LATER", "OLDEST"], ["ID", "STATE", "LATER"], ["ID", "STATE"]])
    }

    @Test func whatIsToBeCopiedStandsWholeBelowItsRow() {
        var table = table([["7", "a"], ["8", "b"]])
        table.notes[0] = "do: \(String(repeating: "x", count: 50))"
        let lines = table.lines(width: 20) { text, _ in text }
        #expect(lines == ["ID  MESSAGE", " 7  a", "      do: \(String(repeating: "x", count: 50))", " 8  b"])
    }

    @Test func coloursDoNotCountAsWidth() {
        let lines = table([["7", "a"], ["4711", "b"]]).lines(width: 60) { text, _ in "<\(text)>" }
        #expect(lines[1] == "   <7>  <a>")
    }

    @Test func whatTheDatabaseSaysSteersNoTerminal() {
        let lines = table([["7", "a\u{1B}[2Jb\nc\u{202E}d\u{9B}31m"]]).lines(width: nil) { text, _ in text }
        #expect(lines.count == 2)
        #expect(lines[1] == "   7  a\\u{1b}[2Jb\\nc\\u{202e}d\\u{9b}31m".replacing("   7", with: " 7"))
    }

    @Test(arguments: [
        (0.0, "░░░░░░░░░░░░░░░░░░░░░░░░ 0%  5 lines"), (0.5, "████████████░░░░░░░░░░░░ 50%  5 lines"),
        (7, "████████████████████████ 100%  5 lines"), (-1, "░░░░░░░░░░░░░░░░░░░░░░░░ 0%  5 lines"),
        (nil, "5 lines"),
    ])
    func progressIsABarWhereThePartIsKnown(part: Double?, text: String) {
        #expect(ProgressLine.text(part: part, count: 5, noun: "lines") == text)
    }

    @Test func aTextIsWrappedBetweenItsWordsAndALongWordIsCut() {
        #expect(StoryText.wrapped("one two three four", to: 9) == ["one two", "three", "four"])
        #expect(StoryText.wrapped("abcdefghijk lm", to: 5) == ["abcde", "fghij", "k lm"])
        #expect(StoryText.wrapped("one two", to: nil) == ["one two"])
    }

    @Test func numbersThatFollowEachOtherAreOneArgument() throws {
        let arguments = ["retry", "--id", "1", "2", "03", "--yes", "-4", "5", ""]
        #expect(IdentifierList.joined(arguments) == ["retry", "--id", "1,2,03", "--yes", "-4", "5", ""])
        #expect(
            try IdentifierList.distinct([IdentifierList("2,1"), IdentifierList("2"), IdentifierList("3")]) == [2, 1, 3])
        #expect(throws: (any Error).self) { try IdentifierList("1,,2") }
    }

    @Test(arguments: [
        ([:], false), (["DATABASE_URL": ""], false), (["PGHOST": "db1"], false), (["DATABASE_URL": "dbname=x"], true),
        (["PGDATABASE": "x"], true), (["PGSERVICE": "x"], true),
    ])
    func whoeverMayNotReadTheConfigurationHasToNameTheDatabase(
        environment: [String: String], isNamed: Bool
    ) throws {
        let hidden = FileReader.fake(
            [:], problems: [EnvironmentLoader.standardPath: .notPermitted(detail: "it belongs to root")])
        let loader = try EnvironmentLoader(path: nil, processEnvironment: environment, reader: hidden)
        guard !isNamed else { return try loader.requireDatabase() }
        let failure = #expect(throws: CommandFailure.self) { try loader.requireDatabase() }
        #expect(failure?.status == .noPermission)
        #expect(
            failure?.messages == [
                "/etc/market-chatd/market-chatd.env exists but may not be read: it belongs to root: name the database, as in"
                    + " env DATABASE_URL='dbname=shop' market-chatd …, or run as a user who may read the file"
                    + " (sudo market-chatd …)"
            ])
        let missing = try EnvironmentLoader(path: nil, processEnvironment: environment, reader: .fake([:]))
        try missing.requireDatabase()
    }
}
