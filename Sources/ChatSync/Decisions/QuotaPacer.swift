public import ChatOutbox
public import MarketAPI

/// Keeps the cabinet's quota: sends at once while requests remain, and waits for the window's end when they do not.
///
/// Windows are fixed, and the server says with each response what remains and until when. In a window of which nothing
/// is known yet, one request goes alone and brings the answer. Whatever headers say, no wait is longer than an hour.
public struct QuotaPacer: Sendable, Hashable {
    /// What is known of the present window.
    public struct Window: Sendable, Hashable {
        /// Requests in a window.
        public var limit: Int
        /// Requests left, as the server said; those in flight are not yet taken off.
        public var remaining: Int
        /// When the window ends; up to a second late, never early.
        public var endsAt: Moment
        /// The server's name for the window; `nil` where it is of our own counting.
        var until: Int64?
        /// When the answer came that told this: one to a request that was sent later knows more.
        var learnedAt: Moment
    }

    /// What may be done now.
    public enum Permission: Sendable, Equatable {
        case send
        /// Not before an answer comes.
        case waitForAnswer
        /// Not before this window has ended.
        case waitForWindow(until: Moment)
    }

    /// Where no response ever says so: a window of an hour, as documented; and the longest wait that a header may ask for.
    static let longestWindow = Duration.seconds(3600)
    /// After a refusal that does not say until when: this, doubling up to an hour.
    static let blindWait = Backoff(base: .seconds(60), max: .seconds(3600))
    /// After a refusal, and before a window that is over according to the server: at least this long, for the headers have
    /// whole seconds.
    static let leastWait = Duration.seconds(1)

    private let prior: Int
    private let reserve: Int
    /// Chance adds up to this to the end of a window that was used up, so that cabinets do not all start at the full
    /// hour's first millisecond.
    private let jitter: Duration
    /// `nil`: not known.
    public internal(set) var window: Window?
    /// Counts the windows: a request that was sent in another one does not stand in the way of this one's first.
    public internal(set) var windowNumber = 0
    private var blindRefusals = 0
    /// Requests whose answers were lost: the server may have counted them.
    var lost = 0
    /// Where the window is used up: when the next one is begun, by chance a little after its end.
    var resumesAt: Moment?

    /// - Parameters:
    ///   - prior: requests in a window, until the server says so.
    ///   - reserve: requests of each window left to others.
    ///   - jitter: the longest time that chance adds to a wait.
    public init(prior: Int, reserve: Int, jitter: Duration = .seconds(1)) {
        self.prior = prior
        self.reserve = reserve
        self.jitter = jitter
    }

    /// Takes over what a former owner of the business knew. Two ends that are near each other are of the same window.
    public mutating func restore(_ quota: BusinessRecord.Quota, now: Moment) {
        guard quota.resetsIn > .zero else { return }
        var told = Window(
            limit: quota.limit, remaining: quota.remaining,
            endsAt: now + min(quota.resetsIn, Self.longestWindow), learnedAt: now)
        if let window, window.endsAt > told.endsAt + .seconds(-2) {
            if window.endsAt > told.endsAt + .seconds(2) { return }
            told.remaining = min(told.remaining, window.remaining)
            told.endsAt = window.endsAt
            told.until = window.until
        }
        window = told
    }

    /// - Parameters:
    ///   - inFlight: requests sent and not yet answered, of any window.
    ///   - inFlightHere: of them, those that were sent in this window.
    ///   - now: this moment.
    ///   - random: for the time after a window's end.
    public mutating func permission(inFlight: Int, inFlightHere: Int, now: Moment, random: EngineRandom) -> Permission {
        if let window, now >= window.endsAt {
            if window.remaining - lost - inFlight <= reserve {
                let resumes = resumesAt ?? window.endsAt + jitter * random.next()
                resumesAt = resumes
                if now < resumes { return .waitForWindow(until: resumes) }
            }
            self.window = nil
            resumesAt = nil
            windowNumber += 1
            lost = 0
        }
        guard let window else { return inFlightHere == 0 ? .send : .waitForAnswer }
        if window.remaining - lost - inFlight > reserve { return .send }
        return inFlight > 0 ? .waitForAnswer : .waitForWindow(until: window.endsAt)
    }

    /// Whether one request more than those in flight has its place in the window.
    func allowsRepeat(inFlight: Int, now: Moment) -> Bool {
        guard let window else { return true }
        return now < window.endsAt && window.remaining - lost - inFlight > reserve
    }

    /// An answer came, with these headers or without.
    ///
    /// - Parameters:
    ///   - headers: what it said of the quota.
    ///   - sentAt: when its request was sent.
    ///   - now: this moment.
    public mutating func answered(_ headers: QuotaHeaders?, sentAt: Moment, now: Moment) {
        blindRefusals = 0
        learn(headers, sentAt: sentAt, now: now)
        guard headers?.remaining == nil else { return }
        // A host that says nothing is counted by ourselves.
        if window == nil {
            window = Window(limit: prior, remaining: prior, endsAt: now + Self.longestWindow, learnedAt: now)
        }
        window?.remaining -= 1
    }

    /// The server failed. It does not count such a request, but it may say what remains.
    public mutating func failed(_ headers: QuotaHeaders?, sentAt: Moment, now: Moment) {
        learn(headers, sentAt: sentAt, now: now)
    }

    /// No answer came: the server may have counted `requests`.
    public mutating func lostAnswers(_ requests: Int) {
        if window != nil { lost += requests }
    }

    /// The server refused, because the quota is used up.
    ///
    /// - Returns: until when nothing is sent.
    public mutating func refused(_ headers: QuotaHeaders?, retryAfter: Duration?, now: Moment, random: EngineRandom)
        -> Moment
    {
        var wait: Duration
        if let told = headers?.resetsIn ?? retryAfter {
            wait = min(max(told, Self.leastWait), Self.longestWindow)
        } else {
            wait = Self.blindWait.step(attempts: blindRefusals)
            blindRefusals += 1
        }
        let endsAt = now + wait
        window = Window(
            limit: headers?.limit ?? window?.limit ?? prior, remaining: 0, endsAt: endsAt, until: headers?.until,
            learnedAt: now)
        lost = 0
        let resumes = endsAt + jitter * random.next()
        resumesAt = resumes
        return resumes
    }

    /// Somebody says that what is known is not true any more: one request goes, and its answer tells. Of a window that the
    /// server never told of, our own count is all that there is: it goes on, with room for one more.
    mutating func forgetWindow(inFlight: Int) {
        resumesAt = nil
        if let known = window, known.until == nil {
            window?.remaining = max(known.remaining, reserve + lost + inFlight + 1)
        } else {
            window = nil
            windowNumber += 1
            lost = 0
        }
    }

    private mutating func learn(_ headers: QuotaHeaders?, sentAt: Moment, now: Moment) {
        guard let headers, let remaining = headers.remaining else { return }
        let rest = headers.resetsIn.map { min(max($0, Self.leastWait), Self.longestWindow) } ?? Self.longestWindow
        let told = Window(
            limit: headers.limit ?? window?.limit ?? prior, remaining: remaining, endsAt: now + rest,
            until: headers.until, learnedAt: now)
        guard let known = window else { return take(told) }
        if let name = known.until, let until = told.until {
            // A late answer, from the window before.
            if until < name { return }
            if until > name { return take(told) }
        } else if known.until == nil, told.until != nil {
            // The first one that the server itself speaks of.
            return take(told)
        }
        // Of all the times to the window's end, each rounded up to whole seconds, the shortest is the truest.
        var merged = told
        merged.until = told.until ?? known.until
        if sentAt >= known.learnedAt {
            // It knows all that the last one knew. More remains than before: a window that has no name is a new one, and
            // one that has was made larger.
            if told.until != nil || told.remaining <= known.remaining {
                merged.endsAt = min(known.endsAt, told.endsAt)
            }
        } else {
            // Answers overtake each other.
            merged.remaining = min(known.remaining, remaining)
            merged.endsAt = min(known.endsAt, told.endsAt)
        }
        take(merged)
    }

    private mutating func take(_ told: Window) {
        lost = 0
        resumesAt = nil
        window = told
    }
}
