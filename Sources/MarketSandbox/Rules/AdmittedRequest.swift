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
