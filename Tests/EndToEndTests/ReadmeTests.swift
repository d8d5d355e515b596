import ArgumentParser
import Glibc
import TestSupport
import Testing

@testable import MarketChatd

/// What README tells a reader to type exists: files, programs, commands with their options, names of tests.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct ReadmeTests {
    /// The simple commands of all its shell blocks, as words: without comments, redirections' signs and `sudo`.
    private static let commands: [[String]] = {
        guard let text = try? Repository.text(of: "README.md") else { return [] }
        var lines: [Substring] = []
        var isShell = false
        for line in text.split(separator: "\n") {
            if line.hasPrefix("```") { isShell = line == "```sh" } else if isShell { lines.append(line) }
        }
        let code = lines.map { withoutComment($0) }.joined(separator: "\n").replacing("\\\n", with: " ")
            .replacing("$(command -v sudo)", with: "sudo")
        return code.split(whereSeparator: \.isNewline).flatMap { $0.split(separator: "&&") }
            .map { unprefixed($0.split(separator: " ").map(String.init)) }.filter { !$0.isEmpty }
    }()

    private static func withoutComment(_ line: Substring) -> Substring {
        line.firstRange(of: " #").map { line[..<$0.lowerBound] } ?? line
    }

    /// Without whom it runs as, and without variables.
    private static func unprefixed(_ words: [String]) -> [String] {
        var rest = words[...]
        while let first = rest.first {
            if first == "sudo" || first == "env" || first.contains(/^[A-Z_]+=/) {
                rest = rest.dropFirst()
            } else if first == "-u" {
                rest = rest.dropFirst(2)
            } else {
                break
            }
        }
        return Array(rest)
    }

    /// Debian's own, and Swift's.
    private static let tools: Set<String> = [
        "apt-get", "editor", "install", "psql", "swift", "systemctl", "systemd-sysusers",
    ]

    /// What is built rather than kept.
    private static let built = [".build/release/market-chatd", "./.build/deb/market-chatd_*_amd64.deb"]

    @Test func itsShellBlocksAreFound() {
        #expect(Self.commands.count >= 25)
        #expect(Self.commands.contains(["systemd/build-deb"]))
        #expect(Self.commands.contains(["market-chatd", "migrate"]))
        #expect(Self.commands.contains(["psql", "-d", "shop", "<", "/usr/share/doc/market-chatd/examples/roles.sql"]))
    }

    @Test(arguments: commands) func theCommandAndItsFilesExist(words: [String]) throws {
        let program = words[0]
        if program.contains("/") {
            #expect(access(Repository.path(of: program), X_OK) == 0, "\(program)")
        } else if program == "market-chatd" {
            #expect(throws: Never.self) { try MarketChatdCommand.parseAsRoot(Array(words.dropFirst())) }
        } else {
            #expect(Self.tools.contains(program), "\(program) is no program that README explains")
        }
        for word in words.dropFirst() where word.contains("/") && !word.hasPrefix("/") && !Self.built.contains(word) {
            #expect(access(Repository.path(of: word), R_OK) == 0, "\(word)")
        }
    }

    @Test func whatSwiftIsToBuildRunOrTestExists() throws {
        let manifest = try Repository.text(of: "Package.swift")
        var count = 0
        for words in Self.commands where words[0] == "swift" {
            let filter = words.firstIndex(of: "--filter").map { words[$0 + 1] }
            let product = words.firstIndex(of: "--product").map { words[$0 + 1] }
            let run = words[1] == "run" ? words.dropFirst(2).first { !$0.hasPrefix("-") } : nil
            for name in [product, run].compactMap(\.self) {
                #expect(manifest.contains(#"(name: "\#(name)""#) || manifest.contains(#"name: "\#(name)","#), "\(name)")
                count += 1
            }
            guard let filter else { continue }
            #expect(manifest.contains(#""\#(filter)""#) || Repository.hasTests(named: filter), "\(filter)")
            count += 1
        }
        #expect(count >= 5)
    }

    /// Also in its sentences.
    @Test func everyCommandThatItNamesExists() throws {
        let known = Set(MarketChatdCommand.configuration.subcommands.compactMap { $0.configuration.commandName })
        let named = try Repository.text(of: "README.md").matches(of: /`(?:sudo )?market-chatd ([a-z]+)/)
            .map { String($0.output.1) }
        #expect(Set(named).count >= 2)
        #expect(Set(named).subtracting(known) == [])
    }
}
