/// The assignments of an environment file, understood as systemd understands `EnvironmentFile=`.
///
/// An operator tries with `--env-file` what the service manager will do later, so the two must not differ. The rules are
/// those of systemd.exec(5) as Debian 12's systemd 252 carries them out; the tests hold what that systemd answered:
/// - `#` and `;` begin a comment at the start of a line only. A backslash at a comment's end joins the next line to it.
/// - White space around a name and around an unquoted value goes.
/// - Unquoted, a backslash goes and the character after it stays; before a line's end, both go.
/// - In single quotes everything is literal. In double quotes a backslash escapes `"`, `\`, `` ` ``, `$` and a line's end
///   and is literal before anything else. Quotes count only where a value, or the next part of it, begins. Both may span
///   lines.
/// - `$`, backticks and `%` mean nothing. A later assignment wins over an earlier one.
/// - What is not an assignment, or not to a name of `A-Z a-z 0-9 _`, is ignored: `export X=1` too.
struct EnvironmentFile: Sendable, Equatable {
    /// By name; the last one wins.
    var assignments: [String: String] = [:]
    /// What was ignored, and what another version of systemd understands otherwise. No part of the file is repeated in
    /// it: a line that went wrong may hold a secret.
    var warnings: [String] = []

    /// Why systemd refuses the whole file.
    enum Flaw: Error, Equatable {
        case nulCharacter
        case notUTF8(line: Int)
    }

    init() {}

    init(parsing bytes: [UInt8]) throws(Flaw) {
        guard !bytes.contains(0) else { throw .nulCharacter }
        var scanner = EnvironmentFileScanner(bytes: bytes)
        while let entry = scanner.nextEntry() {
            switch entry {
            case .notAnAssignment(let line):
                warnings.append("line \(line) is ignored: it has no =")
            case .joiningComment(let line):
                warnings.append(
                    "line \(line) is a comment that ends with a backslash: systemd before version 254 takes the next line"
                        + " for a part of it, and so does market-chatd; remove the backslash")
            case .assignment(let name, let value, let line):
                try add(name: name, value: value, line: line)
            }
        }
    }

    private mutating func add(name: [UInt8], value: [UInt8], line: Int) throws(Flaw) {
        guard let nameText = Self.text(name), let valueText = Self.text(value) else { throw .notUTF8(line: line) }
        guard Self.isVariableName(name) else {
            let isExport = nameText.hasPrefix("export ") || nameText.hasPrefix("export\t")
            let why =
                isExport
                ? "it begins with export, but this file is not a shell script: leave the word out"
                : "what stands before the = is not a name of letters, digits and _"
            warnings.append("line \(line) is ignored: \(why)")
            return
        }
        assignments[nameText] = valueText
    }

    private static func isVariableName(_ name: [UInt8]) -> Bool {
        guard let first = name.first, !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= first) else { return false }
        return name.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    /// UTF-8 by systemd's measure, which refuses Unicode's non-characters too.
    private static func text(_ bytes: [UInt8]) -> String? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let hasNonCharacter = text.unicodeScalars.contains {
            0xFDD0...0xFDEF ~= $0.value || $0.value & 0xFFFE == 0xFFFE
        }
        return hasNonCharacter ? nil : text
    }
}

extension EnvironmentFile.Flaw: CustomStringConvertible {
    var description: String {
        switch self {
        case .nulCharacter: "it holds a NUL character, so systemd would refuse it; write it anew as plain text"
        case .notUTF8(let line):
            "the assignment that ends before line \(line + 1) is not UTF-8, so systemd would refuse the file;"
                + " save it as UTF-8"
        }
    }
}
