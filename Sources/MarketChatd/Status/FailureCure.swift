import ChatOutbox

/// What mends a group of failures: a sentence, and a command to type.
struct FailureCure: Sendable, Equatable {
    var advice: String
    var command: String

    init(_ group: FailureGroup) {
        let explain = "market-chatd explain --id \(group.rowID)"
        if group.rejected > 0 {
            advice = "rejected for good; once the cause is mended, try them again"
            command = "market-chatd retry --business \(group.businessID) --all-rejected\(Self.codeOption(group))"
            return
        }
        switch (group.verdict, group.httpStatus) {
        case ("deferred", 401?):
            advice = "the API key is refused; renew it, then reload (restart, where it stands in the environment file)"
            command = "systemctl reload market-chatd"
        case ("deferred", 403?):
            advice =
                "these rows are tried again by themselves; where the business is held, the API key is refused: renew it,"
                + " then reload (restart, where it stands in the environment file)"
            command = explain
        case ("deferred", 404?), ("deferred", 405?), ("deferred", 415?):
            advice = "the address is refused, not the rows; mend MARKET_API_URL"
            command = "systemctl restart market-chatd"
        case ("deferred", _):
            advice = "they stay due, and are sent by themselves"
            command = explain
        case ("refused", _):
            advice =
                "the seller's own database refuses the result; mend the trigger or lock, and it is written by itself"
            command = explain
        case ("backoff", 404?):
            advice = "put off, and tried again by themselves for as long as CHATD_NOT_FOUND_PATIENCE says"
            command = explain
        default:
            advice = "put off, and tried again by themselves"
            command = explain
        }
    }

    /// Codes come from outside: one that a shell could take for more than a word is not written. The status does as well.
    private static func codeOption(_ group: FailureGroup) -> String {
        if let code = group.code, !code.isEmpty, code.utf8.count <= 64, code.utf8.allSatisfy(isPlain) {
            return " --code \(code)"
        }
        return group.httpStatus.map { " --code \($0)" } ?? ""
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}

extension FailureGroup {
    /// `400 BAD_REQUEST`, `404`, `TIMEOUT`; `no answer` where nothing came; `not written P0001` of the seller's database.
    var title: String {
        if verdict == "refused" { return ["not written", code].compactMap { $0 }.joined(separator: " ") }
        let parts = [httpStatus.map(String.init), code].compactMap { $0 }
        return parts.isEmpty ? "no answer" : parts.joined(separator: " ")
    }
}
