import ChatOutbox
import ChatSync

/// What there is to tell of one business.
struct BusinessReport: Sendable, Equatable {
    var businessID: Int64
    /// Whether it is one of `MARKET_BUSINESS_IDS` of this configuration.
    var isListed: Bool
    var owner: Owner
    var state: State
    var isPaused: Bool
    var hold: Hold?
    /// A sentence without its full stop: what the state comes from.
    var why: String
    /// A sentence without its full stop: what happens next and when, or what a person has to do.
    var next: String
    /// What a person types for that: a command for a shell or, where a stranger is in the way, for psql.
    var command: String?
    /// Rows that could be sent now, as far as they were counted; `nil` where nobody has told.
    var due: Int?
    /// Whether there are more than `due` says.
    var dueIsAtLeast: Bool
    /// Rows that are scheduled or put off; `nil` where the database has not told.
    var later: Int?
    /// When the first of those will be due.
    var nextDueIn: Duration?
    /// How long the oldest due row has been due.
    var oldestDueFor: Duration?
    /// Of the present window. Where `resetsIn` is zero, that window is over, and the next begins with the next request.
    var quota: BusinessRecord.Quota?
    /// Of the rows that were inserted in the last 24 hours; `nil` where the database has not told.
    var createdToday: Int?
    var rejectedToday: Int?
    /// What the engine of this process says of it, whether it owns it or not; `nil` where it has none.
    var engine: BusinessStatus?

    /// Who sends for it.
    enum Owner: Sendable, Equatable {
        case thisInstance
        /// `market-chatd@host:pid`.
        case other(name: String)
        /// A session that is no market-chatd and yet holds the business's lock.
        case stranger(name: String, processID: Int32)
        case nobody
        /// The database has not told.
        case unknown
    }

    /// What holds for it now: the first of these that is true, from the last to the first.
    enum State: Sendable, Equatable {
        /// Rows are due, and they are sent.
        case working
        /// Nothing is due.
        case idle
        /// Nothing is sent, or one row at a time, for this reason.
        case held(ChatSync.Hold.Kind)
        /// Held by an instance of another version, for a reason that this one does not know.
        case heldOtherwise
        /// An operator paused it.
        case paused
        /// A session that is no market-chatd keeps all instances from it.
        case blocked
        /// It is listed, and no instance serves it.
        case noOwner
        /// It has rows, no instance serves it, and it is not listed here.
        case notListed
        /// Nothing is known, because the database is away or was not asked.
        case unknown
    }

    /// Why nothing is sent, and for how long.
    struct Hold: Sendable, Equatable {
        /// `nil`: of a kind that this version does not know.
        var kind: ChatSync.Hold.Kind?
        /// Begins with the kind; the Market's own text may follow.
        var reason: String
        /// From now; not negative. Zero: one row is being tried, or will be as soon as one is due.
        var endsIn: Duration
    }

    /// How soon somebody should look.
    enum Urgency: Int, Sendable, Comparable, CaseIterable {
        /// All is as it should be.
        case calm
        /// Orders wait, and that ends by itself at a known time, or somebody wanted it so.
        case waiting
        /// Something fails that may mend itself.
        case trouble
        /// Nothing goes on before a person does something.
        case person

        static func < (left: Urgency, right: Urgency) -> Bool { left.rawValue < right.rawValue }
    }

    var urgency: Urgency {
        switch state {
        case .working, .idle: .calm
        case .paused: .waiting
        case .held(let kind):
            switch kind {
            case .authorization, .misconfigured: .person
            case .quota, .migration, .overloaded: .waiting
            case .database, .circuit: .trouble
            }
        case .heldOtherwise, .unknown: .trouble
        case .blocked, .notListed: .person
        case .noOwner: .trouble
        }
    }
}

extension BusinessReport.Urgency {
    /// For programs: one word that stays as it is.
    var word: String {
        switch self {
        case .calm: "calm"
        case .waiting: "waiting"
        case .trouble: "trouble"
        case .person: "person"
        }
    }
}

extension BusinessReport.State {
    /// For programs: one word that stays as it is.
    var word: String {
        switch self {
        case .working: "working"
        case .idle: "idle"
        case .held, .heldOtherwise: "held"
        case .paused: "paused"
        case .blocked: "blocked"
        case .noOwner: "no_owner"
        case .notListed: "not_listed"
        case .unknown: "unknown"
        }
    }

    /// For people: a few words.
    var title: String {
        switch self {
        case .working: "working"
        case .idle: "idle"
        case .held(.authorization): "key refused"
        case .held(.misconfigured): "misconfigured"
        case .held(.migration): "cabinet is being moved"
        case .held(.quota): "quota used up"
        case .held(.overloaded): "Market overloaded"
        case .held(.database): "results refused"
        case .held(.circuit): "Market fails"
        case .heldOtherwise: "held"
        case .paused: "paused"
        case .blocked: "lock held by a stranger"
        case .noOwner: "no owner"
        case .notListed: "not listed"
        case .unknown: "unknown"
        }
    }
}

extension BusinessReport.Owner {
    /// For people.
    var title: String {
        switch self {
        case .thisInstance: "this instance"
        case .other(let name): name.isEmpty ? "another instance" : name
        case .stranger(let name, let processID):
            "a stranger, \(name.isEmpty ? "without a name" : name) (server process \(processID))"
        case .nobody: "nobody"
        case .unknown: "unknown"
        }
    }
}
