/// An error answer, before it becomes bytes.
struct SandboxRefusal: Error, Equatable, Sendable {
    var status: Int
    var errors: [Item]

    struct Item: Equatable, Sendable {
        var code: String
        var message: String
    }

    init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        errors = [Item(code: code, message: message)]
    }

    /// A 400 with one error per complaint; at least one.
    init(badRequest messages: [String]) {
        status = 400
        errors = messages.map { Item(code: "BAD_REQUEST", message: $0) }
    }

    static func badRequest(_ message: String) -> Self { Self(badRequest: [message]) }
    static func unauthorized(_ message: String) -> Self { Self(401, "UNAUTHORIZED", message) }
    static func forbidden(_ message: String) -> Self { Self(403, "FORBIDDEN", message) }
    /// What a wrong address or version gives.
    static let noResource = Self(404, "NOT_FOUND", "Resource not found")
    static let unavailable = Self(
        503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable. Please, try again later")

    /// The body, in today's shape or in the older one that is still seen.
    func body(oldShape: Bool) -> [UInt8] {
        let list = errors.map { #"{"code":\#(quoted($0.code)),"message":\#(quoted($0.message))}"# }
        let errors = "[\(list.joined(separator: ","))]"
        let first = quoted(self.errors.first?.message ?? "")
        let head = oldShape ? #""error":{"code":\#(status),"message":\#(first)}"# : #""status":"ERROR""#
        return Array("{\(head),\"errors\":\(errors)}".utf8)
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
