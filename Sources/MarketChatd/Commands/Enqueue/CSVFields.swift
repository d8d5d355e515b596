/// The fields of one line of a CSV file, as RFC 4180 has them. A quoted field ends on its line: no column of ours has a text
/// of several lines, and so a forgotten quotation mark spoils one line and no more.
enum CSVFields {
    struct Mistake: Error, Sendable, Equatable {
        var text: String
    }

    /// - Returns: the fields without the white space around them.
    static func split(_ line: ArraySlice<UInt8>, by separator: UInt8) throws(Mistake) -> [String] {
        guard line.contains(quote) else {
            return line.split(separator: separator, omittingEmptySubsequences: false).map(text)
        }
        var fields: [String] = []
        var rest = line
        while true {
            let field = try next(of: &rest, separator)
            fields.append(field)
            guard let first = rest.first else { return fields }
            guard first == separator else { throw Mistake(text: "has text behind a quotation mark") }
            rest.removeFirst()
        }
    }

    private static let quote = UInt8(ascii: "\"")

    private static func next(of rest: inout ArraySlice<UInt8>, _ separator: UInt8) throws(Mistake) -> String {
        let start = rest.drop { $0 == 0x20 || $0 == 0x09 && separator != 0x09 }
        guard start.first == quote else {
            let field = rest.prefix { $0 != separator }
            rest = rest.dropFirst(field.count)
            return text(field)
        }
        var field: [UInt8] = []
        rest = start.dropFirst()
        while let end = rest.firstIndex(of: quote) {
            field += rest[..<end]
            rest = rest[(end + 1)...]
            guard rest.first == quote else {
                rest = rest.drop { $0 == 0x20 || $0 == 0x09 && separator != 0x09 }
                return text(field[...])
            }
            field.append(quote)
            rest.removeFirst()
        }
        throw Mistake(text: "has a quotation mark that is not closed")
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        var bytes = bytes.drop(while: isSpace)
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
