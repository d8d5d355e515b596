/// JSON by RFC 8259 and nothing more: no comments, no trailing commas, no byte order mark, numbers kept as written.
///
/// The sandbox reads requests with a parser of its own, so that it shares no leniency with the client it tests.
enum StrictJSON: Equatable {
    case object([String: StrictJSON])
    case array([StrictJSON])
    case string(String)
    /// As written.
    case number(String)
    case bool(Bool)
    case null

    /// Where and why a text is not JSON.
    struct Problem: Error, Equatable {
        var reason: String
        var offset: Int
    }

    static func parse(_ bytes: [UInt8]) throws(Problem) -> StrictJSON {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw Problem(reason: "the body is not UTF-8", offset: 0)
        }
        var parser = JSONParser(bytes: bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.next == nil else { throw parser.problem("unexpected text after the value") }
        return value
    }
}

private struct JSONParser {
    /// As deep as common servers go.
    static let depthLimit = 500

    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    func problem(_ reason: String) -> StrictJSON.Problem { .init(reason: reason, offset: position) }

    mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    mutating func value(depth: Int) throws(StrictJSON.Problem) -> StrictJSON {
        guard depth <= Self.depthLimit else { throw problem("nested too deeply") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw problem("unexpected end of the body")
        default: return try number()
        }
    }

    private mutating func word(_ word: String, _ value: StrictJSON) throws(StrictJSON.Problem) -> StrictJSON {
        guard bytes[position...].starts(with: word.utf8) else { throw problem("unexpected character") }
        position += word.utf8.count
        return value
    }

    private mutating func take(_ byte: Character) throws(StrictJSON.Problem) {
        skipSpace()
        guard next == byte.asciiValue else { throw problem("expected '\(byte)'") }
        position += 1
    }

    /// Whether a list goes on after an item.
    private mutating func goesOn(until end: Character) throws(StrictJSON.Problem) -> Bool {
        skipSpace()
        if next == UInt8(ascii: ",") {
            position += 1
            return true
        }
        try take(end)
        return false
    }

    private mutating func object(depth: Int) throws(StrictJSON.Problem) -> StrictJSON {
        try take("{")
        var members: [String: StrictJSON] = [:]
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return .object(members)
        }
        repeat {
            skipSpace()
            let key = try string()
            try take(":")
            members[key] = try value(depth: depth + 1)
        } while try goesOn(until: "}")
        return .object(members)
    }

    private mutating func array(depth: Int) throws(StrictJSON.Problem) -> StrictJSON {
        try take("[")
        var items: [StrictJSON] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            position += 1
            return .array(items)
        }
        repeat { items.append(try value(depth: depth + 1)) } while try goesOn(until: "]")
        return .array(items)
    }

    private mutating func number() throws(StrictJSON.Problem) -> StrictJSON {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        if next == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func digits() throws(StrictJSON.Problem) {
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { throw problem("unexpected character") }
    }

    private mutating func string() throws(StrictJSON.Problem) -> String {
        try take("\"")
        var units: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: units, as: UTF8.self)
            case UInt8(ascii: "\\"): units += try escape()
            case 0..<0x20: throw problem("a control character within a string")
            default: units.append(byte)
            }
        }
        throw problem("unexpected end of the body")
    }

    private mutating func escape() throws(StrictJSON.Problem) -> [UInt8] {
        guard let byte = next else { throw problem("unexpected end of the body") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw problem("an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(StrictJSON.Problem) -> [UInt8] {
        let first = try fourHex()
        if !(0xD800...0xDFFF).contains(first), let scalar = Unicode.Scalar(first) { return Array(String(scalar).utf8) }
        guard first < 0xDC00, bytes[position...].starts(with: #"\u"#.utf8) else {
            throw problem("half a surrogate pair")
        }
        position += 2
        let second = try fourHex()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw problem("half a surrogate pair") }
        return Array(String(scalar).utf8)
    }

    private mutating func fourHex() throws(StrictJSON.Problem) -> UInt32 {
        let end = position + 4
        guard end <= bytes.count else { throw problem("unexpected end of the body") }
        let text = String(decoding: bytes[position..<end], as: UTF8.self)
        guard text.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }), let value = UInt32(text, radix: 16)
        else { throw problem("an unknown escape") }
        position = end
        return value
    }
}

/// A JSON string.
func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": quoted += "\\\""
        case "\\": quoted += "\\\\"
        case "\u{0}"..<"\u{20}":
            let hex = String(scalar.value, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}
