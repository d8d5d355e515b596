/// A request on its way: where it goes, what will become of it, and when.
public struct AdmittedRequest: Sendable {
    var route: SandboxRoute
    /// How long the answer takes.
    public internal(set) var delay = Duration.zero
    var fate = Fate.vanish
    /// The cabinet whose quota and requests in flight it counts to.
    var businessID: Int64?
    /// The other quota that it counts to.
    var meterName: String?
    /// The window that it has spent a request of.
    var window: Int64?

    enum Fate: Sendable {
        case refuse(SandboxRefusal)
        /// The connection is reset, and nothing is done.
        case vanish
        case answer(SandboxReply)
        /// A chat is looked up or created; the fault, if any, strikes afterwards.
        case chat(SandboxContext, SandboxFault?)
        case bad(SandboxContext, SandboxBadRule)
    }

    init(route: SandboxRoute) { self.route = route }
}

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
