import Harness
import TestSupport
import Testing

@testable import MarketChatd

@Suite(.concurrencyLimited) struct EnvironmentFileWarningTests {
    private func warnings(_ text: String) throws -> [String] {
        try EnvironmentFile(parsing: Array(text.utf8)).warnings
    }

    @Test func anExportIsIgnoredWithAWordOnWhy() throws {
        let found = try warnings("A=1\nexport MARKET_API_KEY=ACMA:secret\n")
        #expect(
            found == [
                "line 2 is ignored: it begins with export, but this file is not a shell script: leave the word out"
            ])
    }

    @Test func aLineThatIsNoAssignmentIsToldByItsNumber() throws {
        #expect(try warnings("A=1\n\nACMA:secret\nB=2\n") == ["line 3 is ignored: it has no ="])
    }

    @Test func linesAreCountedThroughValuesOfSeveralLines() throws {
        let found = try warnings("A=\"1\n2\n3\"\nB=1\\\n2\n1C=x\nbad\n")
        #expect(
            found == [
                "line 6 is ignored: what stands before the = is not a name of letters, digits and _",
                "line 7 is ignored: it has no =",
            ])
    }

    @Test func aCommentThatTakesTheNextLineIsToldOf() throws {
        let found = try warnings("# a path: C:\\\nMARKET_API_KEY=x\nB=2\n")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("line 1 is a comment that ends with a backslash") == true)
        #expect(try warnings("# nothing follows \\\n").isEmpty)
    }

    @Test func noWarningRepeatsAnythingOfTheFile() throws {
        for line in ["export KEY=ACMA:secret", "ACMA:secret", "ACMA:secret=1", "1=ACMA:secret", "# ACMA:secret\\\nx"] {
            let found = try warnings(line + "\n")
            #expect(!found.isEmpty)
            #expect(!found.joined().contains("ACMA"))
        }
    }

    @Test func aFileThatSystemdRefusesSaysWhy() {
        #expect(throws: EnvironmentFile.Flaw.nulCharacter) { try EnvironmentFile(parsing: [65, 61, 0]) }
        #expect(throws: EnvironmentFile.Flaw.notUTF8(line: 2)) {
            try EnvironmentFile(parsing: Array("A=1\n".utf8) + Array("B=".utf8) + [0xFF, 0x0A])
        }
    }

    @Test func noBytesMakeTheParserTrap() {
        var generator = SplitMix64(seed: 7)
        let alphabet = Array("A=\n\r\\\"'#; $`\t\u{0}é".utf8)
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator)!
            }
            _ = try? EnvironmentFile(parsing: bytes)
        }
    }
}
