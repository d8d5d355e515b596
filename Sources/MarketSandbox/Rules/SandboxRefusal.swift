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

extension SandboxRefusal {
    /// What the Market says of a context with this status.
    init(status: Int, of context: SandboxContext) {
        switch status {
        case 400: self = .badRequest("Illegal input at 'context'")
        case 401: self = .unauthorized("Api-Key token is invalid")
        case 402: self.init(402, "PAYMENT_REQUIRED", "Payment required")
        case 403:
            // A cabinet has several campaigns, and one that is disabled leaves the others alone.
            let campaign = context.businessID &* 10
            self.init(
                403, "API_DISABLED", "API for campaign \(campaign) disabled due to prolonged inactivity of the shop")
        case 404: self = .notFound(context)
        case 405: self.init(405, "METHOD_NOT_ALLOWED", "Request method 'POST' not supported")
        case 410: self.init(410, "GONE", "Resource is no longer available")
        case 420: self.init(420, "METHOD_FAILURE", "Hit rate limit")
        case 423: self.init(423, "LOCKED", "Business is in migration")
        case 502: self.init(502, "BAD_GATEWAY", "Bad gateway")
        case 503: self = .unavailable
        case 504: self.init(504, "GATEWAY_TIMEOUT", "Gateway timeout")
        case 500...: self.init(status, "INTERNAL_SERVER_ERROR", "Internal server error")
        default: self.init(status, "CLIENT_ERROR", "Request cannot be processed")
        }
    }

    static func notFound(_ context: SandboxContext) -> Self {
        Self(404, "NOT_FOUND", "\(context.kind == .order ? "Order" : "Return") not found: '\(context.id)'")
    }
}
