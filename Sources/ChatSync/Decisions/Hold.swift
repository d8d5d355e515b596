/// A time in which nothing is sent for a business.
public struct Hold: Sendable, Hashable {
    /// What it waits for.
    public var kind: Kind
    /// Begins with the kind; the Market's own text may follow.
    public var reason: String
    /// Then one row is tried.
    public var until: Moment
    /// When the answer came that it is for.
    var since: Moment

    /// Why nothing is sent. The raw value begins `business.hold_reason`.
    public enum Kind: String, Sendable, CaseIterable {
        /// 401, 403 of many rows, or no key: a person must act.
        case authorization
        /// A wrong URL or version: a person must act.
        case misconfigured
        /// 423: the vendor moves the cabinet.
        case migration
        /// The quota is used up.
        case quota
        /// The server said `Retry-After`, to many rows.
        case overloaded
        /// The seller's database refuses too many results.
        case database
        /// The Market fails: one request at a time asks whether it is well again.
        case circuit

        /// - Parameter reason: of a `BusinessRecord`; `nil` where it is of no kind that we know.
        public init?(ofReason reason: String) {
            self.init(rawValue: String(reason.prefix { $0 != ":" }))
        }

        /// Whether it ends only when a person does something.
        public var needsPerson: Bool { self == .authorization || self == .misconfigured }
        /// Whether a former owner's hold binds its successor too. Where a person must act, a start is the time to look
        /// whether it was done; and the rest each owner finds out by itself.
        public var outlivesOwner: Bool { self == .migration || self == .quota || self == .overloaded }
    }

    static let recheck = Duration.seconds(300)
    static let migration = Duration.seconds(900)
    static let longestRetryAfter = Duration.seconds(3600)
}
