/// Walks over the bytes of an environment file. See ``EnvironmentFile`` for the rules.
struct EnvironmentFileScanner {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1

    /// What stands in the file, in its order. Lines count from 1.
    enum Entry: Equatable {
        /// `line` is where it ends.
        case assignment(name: [UInt8], value: [UInt8], line: Int)
        case notAnAssignment(line: Int)
        case joiningComment(line: Int)
    }

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next entry; `nil` at the end.
    mutating func nextEntry() -> Entry? {
        while true {
            skip(while: { Self.isBlank($0) || Self.isLineEnd($0) })
            guard let byte = peek() else { return nil }
            guard byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";") else {
                return readAssignment()
            }
            let start = line
            if skipComment() { return .joiningComment(line: start) }
        }
    }

    /// Returns whether the comment took the beginning of another line with it.
    private mutating func skipComment() -> Bool {
        var hasJoined = false
        while let byte = next(), !Self.isLineEnd(byte) {
            // CR and LF count as two line ends here, so a CR before the LF keeps the comment from joining.
            if byte == UInt8(ascii: "\\"), next() == UInt8(ascii: "\n"), peek() != nil { hasJoined = true }
        }
        return hasJoined
    }

    private mutating func readAssignment() -> Entry {
        let start = line
        // The first byte belongs to the name whatever it is, a = included.
        var name = next().map { [$0] } ?? []
        var byte = next()
        while let part = byte, part != UInt8(ascii: "=") {
            guard !Self.isLineEnd(part) else { return .notAnAssignment(line: start) }
            name.append(part)
            byte = next()
        }
        guard byte != nil else { return .notAnAssignment(line: start) }
        while let last = name.last, Self.isBlank(last) { name.removeLast() }
        let value = readValue()
        let isAtLineStart = position > 0 && bytes[position - 1] == UInt8(ascii: "\n")
        return .assignment(name: name, value: value, line: isAtLineStart ? line - 1 : line)
    }

    /// Quoted parts, and then perhaps an unquoted one, which reaches to the line's end.
    private mutating func readValue() -> [UInt8] {
        var value: [UInt8] = []
        while true {
            skip(while: Self.isBlank)
            guard let byte = peek() else { return value }
            if Self.isLineEnd(byte) {
                _ = next()
                return value
            }
            switch byte {
            case UInt8(ascii: "'"):
                _ = next()
                readSingleQuoted(into: &value)
            case UInt8(ascii: "\""):
                _ = next()
                readDoubleQuoted(into: &value)
            default:
                readUnquoted(into: &value)
                return value
            }
        }
    }

    private mutating func readSingleQuoted(into value: inout [UInt8]) {
        while let byte = next(), byte != UInt8(ascii: "'") { value.append(byte) }
    }

    private mutating func readDoubleQuoted(into value: inout [UInt8]) {
        while let byte = next(), byte != UInt8(ascii: "\"") {
            guard byte == UInt8(ascii: "\\") else {
                value.append(byte)
                continue
            }
            guard let escaped = next() else { return }
            switch escaped {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "`"), UInt8(ascii: "$"): value.append(escaped)
            case UInt8(ascii: "\n"): break
            default: value += [byte, escaped]
            }
        }
    }

    private mutating func readUnquoted(into value: inout [UInt8]) {
        /// What is kept in any case: white space at the end goes, unless a backslash stands after it or before it.
        var keptCount = value.count
        while let byte = next(), !Self.isLineEnd(byte) {
            if byte == UInt8(ascii: "\\") {
                if let escaped = next(), !Self.isLineEnd(escaped) { value.append(escaped) }
                keptCount = value.count
            } else {
                value.append(byte)
                if !Self.isBlank(byte) { keptCount = value.count }
            }
        }
        value.removeSubrange(keptCount...)
    }

    private func peek() -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    private mutating func next() -> UInt8? {
        guard let byte = peek() else { return nil }
        position += 1
        if byte == UInt8(ascii: "\n") { line += 1 }
        return byte
    }

    private mutating func skip(while condition: (UInt8) -> Bool) {
        while let byte = peek(), condition(byte) { _ = next() }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func isLineEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
}
