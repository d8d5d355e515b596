/// JSON that is written by hand, so that no encoder has to be linked for two small documents.
indirect enum JSONText: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Not finite: written as null.
    case number(Double)
    case string(String)
    case array([JSONText])
    case object([(String, JSONText)])

    var text: String {
        var result = ""
        write(into: &result)
        return result
    }

    private func write(into result: inout String) {
        switch self {
        case .null: result += "null"
        case .bool(let value): result += value ? "true" : "false"
        case .integer(let value): result += String(value)
        case .number(let value): result += value.isFinite ? String(value) : "null"
        case .string(let value): Self.write(value, into: &result)
        case .array(let values):
            result += "["
            for (index, value) in values.enumerated() {
                if index > 0 { result += "," }
                value.write(into: &result)
            }
            result += "]"
        case .object(let members):
            result += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { result += "," }
                Self.write(member.0, into: &result)
                result += ":"
                member.1.write(into: &result)
            }
            result += "}"
        }
    }

    private static func write(_ value: String, into result: inout String) {
        result += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                // Beyond what JSON demands: some readers take U+2028 and U+2029 for line ends, and some terminals obey
                // the controls from U+0080 on.
                if scalar.value < 0x20 || 0x7F..<0xA0 ~= scalar.value || 0x2028...0x2029 ~= scalar.value {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        result += "\""
    }
}
