/// A text that can stand in a message or a log line: control characters are escaped, so that it can neither begin a line
/// of its own nor steer a terminal, and it is cut at `limit` characters.
func printable(_ text: String, limit: Int = 200) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
        if count == limit { return result + "…" }
        count += 1
        if let escape = escape(of: scalar) { result += escape } else { result.unicodeScalars.append(scalar) }
    }
    return result
}

/// How a character that does not print is written; `nil` where it prints as it is.
func escape(of scalar: Unicode.Scalar) -> String? {
    switch scalar.value {
    case 0x0A: return "\\n"
    case 0x0D: return "\\r"
    case 0x09: return "\\t"
    // Controls, and what turns the direction of writing or breaks a line elsewhere.
    case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF, 0xFFF9...0xFFFB:
        return "\\u{\(String(scalar.value, radix: 16))}"
    default: return nil
    }
}

/// `1 row`, `2 rows`; where another letter will not do, with the plural.
func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(plural ?? noun + "s")"
}
