import TestSupport
import Testing

@testable import MarketChatd

/// What systemd 252.39 of Debian 12 gave a service for each file, as `systemd-run -p EnvironmentFile=… env -0` showed it;
/// `nil` where it refused the file. Not worked out by hand: recorded.
@Suite(.concurrencyLimited) struct EnvironmentFileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        var expected: [String: String]?

        init(_ name: String, _ text: String, gives expected: [String: String]?) {
            self.init(name, bytes: Array(text.utf8), gives: expected)
        }

        init(_ name: String, bytes: [UInt8], gives expected: [String: String]?) {
            self.name = name
            self.bytes = bytes
            self.expected = expected
        }

        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case("plain", "A=1\nB=two words\n", gives: ["A": "1", "B": "two words"]),
        Case("noFinalNewline", "A=1", gives: ["A": "1"]),
        Case("empty", "", gives: [:]),
        Case("onlyWhite", " \t\n\n\r\n", gives: [:]),
        Case("emptyValue", "A=\nB=2\n", gives: ["A": "", "B": "2"]),
        Case("emptyQuoted", "A=\"\"\nB=''\n", gives: ["A": "", "B": ""]),
        Case("spacesAround", "  A = 1  \n\tB\t=\t2\t\n", gives: ["A": "1", "B": "2"]),
        Case("innerSpaces", "A=a   b\n", gives: ["A": "a   b"]),
        Case("comments", "# one\n; two\n   # three\nA=1\n", gives: ["A": "1"]),
        Case("hashInValue", "A=a#b\nB=a # b\nC=#x\nD=;x\n", gives: ["A": "a#b", "B": "a # b", "C": "#x", "D": ";x"]),
        Case("dollarsAreLiteral", "A=$HOME ${HOME} `id` %h 100%\n", gives: ["A": "$HOME ${HOME} `id` %h 100%"]),
        Case("single", "A='a b \\n \"c\" $x'\n", gives: ["A": "a b \\n \"c\" $x"]),
        Case(
            "double",
            "A=\"a b 'c' \\\"d\\\" \\$x \\`y\\` \\\\ \\n \\t \\q\"\n",
            gives: ["A": "a b 'c' \"d\" $x `y` \\ \\n \\t \\q"]),
        Case("doubleMultiLine", "A=\"one\ntwo\n  three \"\nB=2\n", gives: ["A": "one\ntwo\n  three ", "B": "2"]),
        Case("singleMultiLine", "A='one\ntwo'\nB=2\n", gives: ["A": "one\ntwo", "B": "2"]),
        Case("doubleContinuation", "A=\"one\\\ntwo\"\n", gives: ["A": "onetwo"]),
        Case("continuation", "A=one\\\ntwo\\\n  three\nB=2\n", gives: ["A": "onetwo  three", "B": "2"]),
        Case("continuationThenSpace", "A=one \\\n two\n", gives: ["A": "one  two"]),
        Case("continuationAtEnd", "A=one\\", gives: ["A": "one"]),
        Case("continuationAtEndNewline", "A=one\\\n", gives: ["A": "one"]),
        Case("unquotedBackslash", "A=a\\b\\\\c\\ d\\\"e\n", gives: ["A": "ab\\c d\"e"]),
        Case("trailingEscapedSpace", "A=a\\ \nB=b \\ \n", gives: ["A": "a ", "B": "b  "]),
        Case("leadingEscape", "A=\\ a\nB=\\\nC=3\n", gives: ["A": " a", "B": "C=3"]),
        Case("quotesMidValue", "A=a\"b c\"\nB=a 'b'\n", gives: ["A": "a\"b c\"", "B": "a 'b'"]),
        Case(
            "afterQuotes",
            "A=\"a\" b\nB=\"a\"'b'\nC=\"a\"   \nD='a'\\b\nE=\"a\" \"b\"\nF=\"a \"b c \nG=\"a \"  \n",
            gives: ["A": "ab", "B": "ab", "C": "a", "D": "ab", "E": "ab", "F": "a b c", "G": "a "]),
        Case("unterminatedDouble", "A=\"a b \nB=2\n", gives: ["A": "a b \nB=2\n"]),
        Case("unterminatedSingle", "A='a b \nB=2\n", gives: ["A": "a b \nB=2\n"]),
        Case("unterminatedEscapeInDouble", "A=\"a\\", gives: ["A": "a"]),
        Case("crlf", "A=1\r\nB=\"x\"\r\nC= y \r\n", gives: ["A": "1", "B": "x", "C": "y"]),
        Case("crOnly", "A=1\rB=2\r", gives: ["A": "1", "B": "2"]),
        Case("crlfInDouble", "A=\"one\r\ntwo\"\nB=2\n", gives: ["A": "one\r\ntwo", "B": "2"]),
        Case("crlfContinuation", "A=one\\\r\ntwo\nB=2\n", gives: ["A": "one", "B": "2"]),
        Case("export", "export A=1\nB=2\n", gives: ["B": "2"]),
        Case("noEquals", "JUSTAWORD\nA=1\n", gives: ["A": "1"]),
        Case("noEqualsAtEnd", "A=1\nJUSTAWORD", gives: ["A": "1"]),
        Case("badNames", "1A=1\nA-B=2\nA.B=3\n=4\n_OK=5\nlower=6\né=7\nA B=8\n", gives: ["_OK": "5", "lower": "6"]),
        Case(
            "equalsInValue",
            "A=b=c==d\nU=postgresql://u:p@h/d?sslmode=require&x=%20y\n",
            gives: ["A": "b=c==d", "U": "postgresql://u:p@h/d?sslmode=require&x=%20y"]),
        Case("duplicate", "A=1\nB=2\nA=3\n", gives: ["A": "3", "B": "2"]),
        Case("duplicateInvalidLast", "A=1\nA=\"a\u{1}b\"\n", gives: ["A": "a\u{1}b"]),
        Case("controlInValue", "A=a\u{1}b\nB=2\n", gives: ["A": "a\u{1}b", "B": "2"]),
        Case("tabInValue", "A=a\tb\nB=\"a\tb\"\n", gives: ["A": "a\tb", "B": "a\tb"]),
        Case("delInValue", "A=a\u{7f}b\nB=2\n", gives: ["A": "a\u{7f}b", "B": "2"]),
        Case("vtInValue", "A=a\u{b}b\nC=\u{b}x\nB=2\n", gives: ["A": "a\u{b}b", "C": "\u{b}x", "B": "2"]),
        Case("utf8", "A=приёмка\nB=😀\n", gives: ["A": "приёмка", "B": "😀"]),
        Case(
            "invalidUTF8Value",
            bytes: [0x41, 0x3D, 0x31, 0x0A, 0x42, 0x3D, 0xFF, 0xFE, 0x0A, 0x43, 0x3D, 0x33, 0x0A],
            gives: nil),
        Case(
            "invalidUTF8Key",
            bytes: [0x41, 0x3D, 0x31, 0x0A, 0x42, 0xFF, 0x3D, 0x32, 0x0A, 0x43, 0x3D, 0x33, 0x0A],
            gives: nil),
        Case("invalidUTF8Comment", bytes: [0x23, 0x20, 0xFF, 0xFE, 0x0A, 0x41, 0x3D, 0x31, 0x0A], gives: ["A": "1"]),
        Case("overlong", bytes: [0x41, 0x3D, 0x31, 0x0A, 0x42, 0x3D, 0xC0, 0x80, 0x0A], gives: nil),
        Case("surrogate", bytes: [0x41, 0x3D, 0x31, 0x0A, 0x42, 0x3D, 0xED, 0xA0, 0x80, 0x0A], gives: nil),
        Case("nonCharacter", bytes: [0x41, 0x3D, 0x31, 0x0A, 0x42, 0x3D, 0xEF, 0xBF, 0xBE, 0x0A], gives: nil),
        Case("nonCharacterFDD0", bytes: [0x41, 0x3D, 0x31, 0x0A, 0x42, 0x3D, 0xEF, 0xB7, 0x90, 0x0A], gives: nil),
        Case("bom", "\u{feff}A=1\nB=2\n", gives: ["B": "2"]),
        Case("bomInValue", "A=\u{feff}x\n", gives: ["A": "\u{feff}x"]),
        Case("nul", "A=1\nB=x\u{0}y\nC=3\n", gives: nil),
        Case("commentBackslash", "# a comment \\\nA=1\nB=2\n", gives: ["B": "2"]),
        Case("commentBackslashTwice", "# a \\\\\nA=1\nB=2\n", gives: ["A": "1", "B": "2"]),
        Case("commentBackslashMid", "# C:\\dir\nA=1\n", gives: ["A": "1"]),
        Case("commentBackslashCRLF", "# a \\\r\nA=1\nB=2\n", gives: ["A": "1", "B": "2"]),
        Case("semicolonMidLine", "A=1;B=2\n", gives: ["A": "1;B=2"]),
        Case("keyTrailingWhite", "A  =1\n", gives: ["A": "1"]),
        Case("keyInnerNewline", "A\nB=1\n", gives: ["B": "1"]),
        Case("keyQuoted", "\"A\"=1\nB=2\n", gives: ["B": "2"]),
        Case("quoteThenComment", "A=\"1\" # why\n", gives: ["A": "1# why"]),
        Case("singleEscape", "A='it\\'s'\nB=2\n", gives: ["A": "it\\s'", "B": "2"]),
        Case("preValueEscapeNewline", "A= \\\n x\nB=2\n", gives: ["A": " x", "B": "2"]),
        Case("doubleEscapedCR", "A=\"one\\\r\ntwo\"\n", gives: ["A": "one\\\r\ntwo"]),
        Case("trailingTabs", "A=x \t \nB=2\n", gives: ["A": "x", "B": "2"]),
        Case("valueTrailingSpaceAfterEscape", "A=a \\b \n", gives: ["A": "a b"]),
        Case("onlySpaces", "A=   \nB=2\n", gives: ["A": "", "B": "2"]),
        Case("formFeedInKey", "A\u{c}=1\nB=2\n", gives: ["B": "2"]),
        Case("nbsp", "A=\u{a0}x\u{a0}\n", gives: ["A": "\u{a0}x\u{a0}"]),
        Case("c1Control", "A=\u{85}x\nB=2\n", gives: ["A": "\u{85}x", "B": "2"]),
        Case("escapedQuoteStart", "A=\\\"x\\\"\n", gives: ["A": "\"x\""]),
        Case("dollarEscape", "A=\\$x\nB=\\`y\\`\n", gives: ["A": "$x", "B": "`y`"]),
    ]

    @Test(arguments: cases) func aFileGivesWhatSystemdGives(_ file: Case) {
        #expect((try? EnvironmentFile(parsing: file.bytes))?.assignments == file.expected)
    }
}
