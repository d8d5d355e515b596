/// What a path leads to.
enum SandboxRoute: Equatable, Sendable {
    /// `/v2/businesses/{businessId}/chats/new`; `nil` where the id is no int64.
    case chats(Int64?)
    /// `/v2/auth/token`.
    case token
    /// `/v2/campaigns`.
    case campaigns
    case unknown

    /// Where redirects lead: no path of the Market.
    static let trap = "/sandbox/trap"

    /// Paths are taken literally: `/V2/…` and a slash too many lead nowhere.
    init(path: Substring) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts == ["", "v2", "auth", "token"] {
            self = .token
        } else if parts == ["", "v2", "campaigns"] {
            self = .campaigns
        } else if parts.count == 6, parts[..<3] == ["", "v2", "businesses"], parts[4...] == ["chats", "new"] {
            self = .chats(Int64(parts[3]))
        } else {
            self = .unknown
        }
    }

    /// The one method that it takes.
    var method: String { self == .campaigns ? "GET" : "POST" }
}
