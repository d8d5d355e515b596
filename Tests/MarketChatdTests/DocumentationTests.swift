import Foundation
import TestSupport
import Testing

/// A document that names a file, a type or a test which is gone leads its reader astray: what stands in it as `code` and looks
/// like one of these is looked up.
@Suite(.concurrencyLimited) struct DocumentationTests {
    private static let root = Repository.root
    private static let folders = ["Sources", "Tests", "Config", "systemd", ".github", ".ci"]
    /// Files and folders, from the root on.
    private static let paths = Set(
        folders + ["Package.swift", "README.md"]
            + folders.flatMap { folder in
                (FileManager.default.subpaths(atPath: "\(root)/\(folder)") ?? []).map { "\(folder)/\($0)" }
            })
    private static let documents = ["README.md"] + paths.filter { $0.hasSuffix(".md") }.sorted()
    /// All words of the code.
    private static let words = paths.filter { $0.hasSuffix(".swift") || $0.hasSuffix(".sql") }
        .reduce(into: Set<String>()) { words, path in
            let text = [UInt8](FileManager.default.contents(atPath: "\(root)/\(path)") ?? Data())
            var start: Int?
            for (index, byte) in text.enumerated() {
                if isOfWord[Int(byte)] {
                    start = start ?? index
                } else if let first = start {
                    words.insert(String(decoding: text[first..<index], as: UTF8.self))
                    start = nil
                }
            }
        }
    private static let isOfWord = (0...255).map { byte in
        let character = Character(Unicode.Scalar(UInt8(byte)))
        return character == "_" || character.isASCII && (character.isLetter || character.isNumber)
    }

    /// What a text names and does not exist.
    ///
    /// - Parameter folder: of the document, with a slash at its end; empty for the root.
    private static func missing(in text: String, of folder: String) -> [String] {
        text.matches(of: /`([^`\n]+)`/).map { String($0.output.1) }.filter { !exists($0) }
            + text.matches(of: /\]\(([^):#]+)\)/).map { folder + $0.output.1 }.filter { !paths.contains($0) }
    }

    private static func exists(_ name: String) -> Bool {
        // A part of it is left open, or it is more than a name.
        if name.contains(/[^A-Za-z0-9_.+\/@-]/) { return true }
        if folders.contains(where: { name.hasPrefix($0 + "/") }) {
            return paths.contains(name.hasSuffix("/") ? String(name.dropLast()) : name)
        }
        if name.contains(/^[A-Za-z0-9].*\.(swift|sql|md|yml|json|service)$/) {
            return paths.contains { $0 == name || $0.hasSuffix("/\(name)") }
        }
        // A type, a function, a test, a folder: with capitals within, or at the beginning.
        guard name.contains(/^([a-z]+[A-Z]|[A-Z][a-z]+[A-Z]?)[A-Za-z0-9]*$/) else { return true }
        return words.contains(name) || paths.contains { $0.hasSuffix("/\(name)") }
    }

    @Test(arguments: documents) func whatADocumentNamesExists(_ document: String) throws {
        let text = try String(contentsOfFile: "\(Self.root)/\(document)", encoding: .utf8)
        let folder = document.lastIndex(of: "/").map { document[...$0] } ?? ""
        #expect(Self.missing(in: text, of: String(folder)) == [])
    }

    /// What the journal says with the priority of a warning or an error, up to the first sign that is no part of a name.
    private static let warnings = Set(
        paths.filter { $0.hasPrefix("Sources/") && $0.hasSuffix(".swift") }.flatMap { path in
            let text = (try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)) ?? ""
            let calls = text.matches(of: /logger\.(?:warning|error|critical)\(\s*"([A-Z][^":;,\\]+)/)
            let levels = text.matches(of: /level: [^"\n]*(?:warning|error)[^"\n]*"([A-Z][^":;,\\]+)/)
            return calls.map { String($0.output.1) } + levels.map { String($0.output.1) }
        })

    @Test func eachWarningHasItsCureInBothLanguages() throws {
        #expect(Self.warnings.count > 20, "\(Self.warnings.sorted())")
        let readme = try String(contentsOfFile: "\(Self.root)/README.md", encoding: .utf8)
        let page = try String(contentsOfFile: "\(Self.root)/systemd/man/ru/market-chatd.7", encoding: .utf8)
            .replacing("\\(aq", with: "'").replacing("\\-", with: "-")
        for warning in Self.warnings.sorted() {
            #expect(readme.contains("`\(warning)"), "README: \(warning)")
            #expect(page.contains("\\fB\(warning)"), "Russian page: \(warning)")
        }
    }

    /// Files of functions alone have a name of their own, and so have folders' files with the name of their type and a `+`.
    @Test func everySourceFileHoldsTheTypeThatItIsNamedFor() throws {
        let sources = Self.paths.filter { $0.hasPrefix("Sources/") && $0.hasSuffix(".swift") }
        #expect(sources.count > 200)
        for path in sources.sorted() {
            let text = try String(contentsOfFile: "\(Self.root)/\(path)", encoding: .utf8)
            let found = text.matches(
                of: /(?m)^(?:[a-z@]+ )*(?:struct|class|enum|actor|protocol|extension) ([A-Za-z0-9.]+)/)
            let types = found.map { String($0.output.1) }
            let file = path.split(separator: "/").last?.split(separator: "+").first?.split(separator: ".").first
            let name = try #require(file.map(String.init))
            #expect(types.isEmpty || types.contains(name), "\(path) holds \(types)")
        }
    }

    @Test func whatIsGoneIsMissed() {
        #expect(Self.documents.contains { $0.hasSuffix(".docc/Architecture.md") })
        let gone = [
            "Sources/ChatSync/" + "Gone.swift", "gone" + "_for_good.sql", "Gone" + "ForGood", "isGone" + "ForGood",
        ]
        let named = gone.map { "`\($0)`" }.joined(separator: ", ")
        let text =
            "\(named), `Engine/Settler.swift`, `BusinessMachine`, `SELECT 1`, `due_at`, [a](Sources), [b](Gone.md)"
        #expect(Self.missing(in: text, of: "") == gone + ["Gone.md"])
        #expect(Self.missing(in: text, of: "Sources/").suffix(2) == ["Sources/Sources", "Sources/Gone.md"])
    }
}
