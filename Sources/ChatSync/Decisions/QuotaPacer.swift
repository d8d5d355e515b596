public import ChatOutbox
public import MarketAPI

/// Keeps the cabinet's quota: sends at once while requests remain, and waits for the window's end when they do not.
///
/// Windows are fixed, and the server says with each response what remains and until when. In a window of which nothing
/// is known yet, one request goes alone and brings the answer.
public struct QuotaPacer: Sendable, Equatable {
    /// What is known of the present window.
    public struct Window: Sendable, Equatable {
        /// Requests in a window.
        public var limit: Int
        /// Requests left, as the server said; those in flight are not yet taken off.
        public var remaining: Int
        /// When the window ends; up to a second late, never early.
        public var endsAt: Moment
        /// The server's name for the window; `nil` where it is of our own counting.
        var until: Int64?
    }

    /// What may be done now.
    public enum Permission: Sendable, Equatable {
        case send
        /// Not before an answer comes.
        case waitForAnswer
        /// Not before this window has ended.
        case waitForWindow(until: Moment)
    }

    /// Where no response ever says so: a window of an hour, as documented.
    static let documentedWindow = Duration.seconds(3600)
    /// After a refusal that does not say until when: this, doubling up to an hour.
    static let blindWait = Backoff(base: .seconds(60), max: .seconds(3600))
    /// After a refusal, at least this long: the headers have whole seconds.
    static let leastWait = Duration.seconds(1)
    /// Chance adds up to this, so that cabinets do not all start at the full hour's first millisecond.
    static let jitter = Duration.seconds(1)

    private let prior: Int
    private let reserve: Int
    /// `nil`: not known.
    public private(set) var window: Window?
    private var blindRefusals = 0
    /// Requests whose answers were lost: the server may have counted them.
    private(set) var lost = 0

    /// - Parameters:
    ///   - prior: requests in a window, until the server says so.
    ///   - reserve: requests of each window left to others.
    public init(prior: Int, reserve: Int) {
        self.prior = prior
        self.reserve = reserve
    }

    /// Takes over what a former owner of the business knew. Two ends that are near each other are of the same window.
    public mutating func restore(_ quota: BusinessRecord.Quota, now: Moment) {
        guard quota.resetsIn > .zero else { return }
        var told = Window(limit: quota.limit, remaining: quota.remaining, endsAt: now + quota.resetsIn)
        if let window, window.endsAt > told.endsAt + .seconds(-2) {
            if window.endsAt > told.endsAt + .seconds(2) { return }
            told = Window(
                limit: told.limit, remaining: min(told.remaining, window.remaining), endsAt: window.endsAt,
                until: window.until)
        }
        window = told
    }

    /// - Parameter inFlight: requests sent and not yet answered.
    public mutating func permission(inFlight: Int, now: Moment) -> Permission {
        if let known = window, now >= known.endsAt {
            window = nil
            lost = 0
        }
        guard let window else { return inFlight == 0 ? .send : .waitForAnswer }
        if window.remaining - lost - inFlight > reserve { return .send }
        return inFlight > 0 ? .waitForAnswer : .waitForWindow(until: window.endsAt)
    }

    /// Whether one request more than those in flight has its place in the window.
    func allowsRepeat(inFlight: Int, now: Moment) -> Bool {
        guard let window, now < window.endsAt else { return true }
        return window.remaining - lost - inFlight > reserve
    }

    /// An answer came, with these headers or without.
    public mutating func answered(_ headers: QuotaHeaders?, now: Moment) {
        blindRefusals = 0
        learn(headers, now: now)
        guard headers?.remaining == nil else { return }
        // A host that says nothing is counted by ourselves.
        if window == nil { window = Window(limit: prior, remaining: prior, endsAt: now + Self.documentedWindow) }
        window?.remaining -= 1
    }

    /// The server failed. It does not count such a request, but it may say what remains.
    public mutating func failed(_ headers: QuotaHeaders?, now: Moment) {
        learn(headers, now: now)
    }

    /// No answer came: the server may have counted `requests`.
    public mutating func lostAnswers(_ requests: Int) {
        if window != nil { lost += requests }
    }

    /// The server refused, because the quota is used up.
    ///
    /// - Returns: until when.
    public mutating func refused(_ headers: QuotaHeaders?, retryAfter: Duration?, now: Moment, chance: Double) -> Moment
    {
        var wait: Duration
        if let told = headers?.resetsIn ?? retryAfter {
            wait = max(told, Self.leastWait)
        } else {
            wait = Self.blindWait.delay(attempts: blindRefusals, chance: 1)
            blindRefusals += 1
        }
        wait += Self.jitter * chance
        window = Window(
            limit: headers?.limit ?? window?.limit ?? prior, remaining: 0, endsAt: now + wait, until: headers?.until)
        lost = 0
        return now + wait
    }

    private mutating func learn(_ headers: QuotaHeaders?, now: Moment) {
        guard let headers, let remaining = headers.remaining else { return }
        lost = 0
        let told = Window(
            limit: headers.limit ?? window?.limit ?? prior, remaining: remaining,
            endsAt: now + (headers.resetsIn ?? Self.documentedWindow), until: headers.until)
        guard let known = window, !isNew(told, after: known) else {
            window = told
            return
        }
        // A late answer, from the window before.
        if let name = known.until, let until = told.until, until < name { return }
        // Answers overtake each other: within a window the remainder only falls. And of all the times to its end, each
        // rounded up to whole seconds, the shortest is the truest.
        window = Window(
            limit: told.limit, remaining: min(known.remaining, remaining), endsAt: min(known.endsAt, told.endsAt),
            until: told.until ?? known.until)
    }

    /// Whether `told` is of another, later window, or the first one that the server itself speaks of.
    private func isNew(_ told: Window, after known: Window) -> Bool {
        guard let until = told.until else { return told.remaining > known.remaining }
        guard let name = known.until else { return true }
        return until > name
    }
}
