public import ChatOutbox
public import MarketAPI

/// Whether a business may send now, and what each answer changes about that. All of it is a value.
///
/// Four things stand in the way: a pause or a hold, an open circuit, the quota, and the limit of parallel requests.
public struct BusinessGate: Sendable {
    /// What may be done now.
    public enum Permission: Sendable, Equatable {
        /// `isProbe`: alone, to find out whether the business is well again.
        case send(isProbe: Bool)
        /// Something in flight has to be answered first.
        case waitForAnswer
        /// Not before this.
        case wait(until: Moment)
        /// Not before somebody changes something.
        case paused
    }

    /// A time in which nothing is sent.
    public struct ActiveHold: Sendable, Equatable {
        public var kind: Verdict.Hold
        /// Begins with the kind; the Market's own text may follow.
        public var reason: String
        public var until: Moment
    }

    /// An operator's lever, as last read from the database.
    public var isPaused = false
    /// The hold, also when its time is over and the probe that ends it is still out.
    public private(set) var hold: ActiveHold?
    /// Whether failures opened the circuit.
    public var isCircuitOpen: Bool { breaker.isOpen }
    /// What is known of the quota's present window.
    public var window: QuotaPacer.Window? { pacer.window }

    private var pacer: QuotaPacer
    private var breaker = CircuitBreaker()
    private var parallel: ParallelLimit

    /// - Parameters:
    ///   - maxParallel: requests in flight, 1 to 4.
    ///   - requestsPerWindow: the quota until the server tells it.
    ///   - quotaReserve: requests of each window left to others.
    public init(maxParallel: Int, requestsPerWindow: Int, quotaReserve: Int) {
        parallel = ParallelLimit(max: maxParallel)
        pacer = QuotaPacer(prior: requestsPerWindow, reserve: quotaReserve)
    }

    /// - Parameter inFlight: requests sent and not yet answered.
    public mutating func permission(inFlight: Int, now: Moment) -> Permission {
        if isPaused { return .paused }
        if let hold, now < hold.until { return .wait(until: hold.until) }
        if let probe = breaker.nextProbe, now < probe { return .wait(until: probe) }
        if let pause = parallel.pausedUntil, now < pause { return .wait(until: pause) }
        switch pacer.permission(inFlight: inFlight, now: now) {
        case .waitForAnswer: return .waitForAnswer
        case .waitForWindow(let until): return .wait(until: until)
        case .send: break
        }
        let isProbe = hold != nil || breaker.isOpen
        return inFlight < (isProbe ? 1 : parallel.current) ? .send(isProbe: isProbe) : .waitForAnswer
    }

    /// Takes in an answer.
    ///
    /// - Parameter wasProbe: what ``permission(inFlight:now:)`` said when it was sent.
    /// - Returns: what becomes of the row, which may be milder than the verdict: a failed probe burns no attempt.
    public mutating func learn(
        _ verdict: Verdict, from reply: MarketReply<CreatedChat>, wasProbe: Bool, now: Moment, random: EngineRandom
    ) -> Verdict.Row {
        if reply.quota?.remaining == nil { pacer.lostAnswers(reply.lostTries) }
        switch verdict.business {
        case .answered:
            breaker.succeeded()
            parallel.answered()
            pacer.answered(reply.quota, now: now)
            // One that was sent before the hold began says nothing about it.
            if wasProbe { hold = nil }
        case .failed:
            return fail(verdict.row, reply, wasProbe: wasProbe, now: now, random: random)
        case .overloaded(let time):
            hold(.overloaded, verdict.exchange, until: now + time, wasProbe: wasProbe)
            return fail(verdict.row, reply, wasProbe: wasProbe, now: now, random: random)
        case .held(let kind, let time):
            breaker.succeeded()
            pacer.answered(reply.quota, now: now)
            hold(kind, verdict.exchange, until: now + time, wasProbe: wasProbe)
        case .quotaUsedUp:
            breaker.succeeded()
            // Several that were refused at the same time say no more than one of them.
            let isOldNews = !wasProbe && hold.map { $0.kind == .quota && now < $0.until } ?? false
            if isOldNews, reply.quota?.resetsIn == nil, reply.retryAfter == nil { break }
            let until = pacer.refused(reply.quota, retryAfter: reply.retryAfter, now: now, chance: random.next())
            hold(.quota, verdict.exchange, until: until, wasProbe: wasProbe)
        case .tooManyInFlight:
            breaker.succeeded()
            pacer.failed(reply.quota, now: now)
            parallel.refused(now: now, chance: random.next())
        case .nothing: break
        }
        return verdict.row
    }

    /// The Market failed. A probe that fails burns no attempt: the business is why, not the row.
    private mutating func fail(
        _ row: Verdict.Row, _ reply: MarketReply<CreatedChat>, wasProbe: Bool, now: Moment, random: EngineRandom
    ) -> Verdict.Row {
        let wasOpen = breaker.isOpen
        breaker.failed(wasProbe: wasProbe, now: now, chance: random.next())
        pacer.failed(reply.quota, now: now)
        return wasProbe && wasOpen ? .deferred : row
    }

    /// A hold ends when the later of two says so, unless a probe has learned what holds now.
    private mutating func hold(_ kind: Verdict.Hold, _ exchange: ExchangeRecord?, until: Moment, wasProbe: Bool) {
        if let hold, !wasProbe, hold.until >= until { return }
        hold = ActiveHold(kind: kind, reason: Self.reason(kind, exchange), until: until)
    }

    /// The seller's database refuses results of too many rows: more of them would only burn quota.
    mutating func holdForDatabase(_ error: String, now: Moment) {
        hold(.database, ExchangeRecord(message: error), until: now + .seconds(60), wasProbe: false)
    }

    /// Somebody may have done what a hold waited for: it is tried now, with one row.
    mutating func recheck(now: Moment) {
        if hold?.kind.needsPerson == true { hold?.until = now }
    }

    /// Whether a request that failed may be repeated at once.
    func allowsRepeats(inFlight: Int, now: Moment) -> Bool {
        guard !isPaused, hold == nil, !breaker.isOpen else { return false }
        return pacer.allowsRepeat(inFlight: inFlight, now: now)
    }

    /// What stands in the way now, as text, and until when.
    func obstacle(now: Moment) -> (reason: String, until: Moment)? {
        if let hold, now < hold.until { return (hold.reason, hold.until) }
        if let probe = breaker.nextProbe { return ("circuit: \(breaker.failures) failures in a row", probe) }
        var pacer = pacer
        if case .waitForWindow(let until) = pacer.permission(inFlight: 0, now: now) {
            return ("quota: used up but for the reserve", until)
        }
        return nil
    }

    private static func reason(_ kind: Verdict.Hold, _ exchange: ExchangeRecord?) -> String {
        let details = [exchange?.httpStatus.map(String.init), exchange?.code, exchange?.message].compactMap { $0 }
        return details.isEmpty ? kind.rawValue : "\(kind.rawValue): \(details.joined(separator: " "))"
    }
}

extension BusinessGate {
    /// Takes over what a former owner of the business left in the database.
    public mutating func restore(_ record: BusinessRecord, now: Moment) {
        isPaused = record.isPaused
        if let quota = record.quota { pacer.restore(quota, now: now) }
        guard let left = record.hold, hold == nil else { return }
        let word = left.reason.prefix { $0 != ":" }
        guard let kind = Verdict.Hold(rawValue: String(word)) else { return }
        hold = ActiveHold(
            kind: kind, reason: left.reason, until: kind.outlivesOwner ? now + left.endsIn : now)
    }

    /// What the next owner should know.
    ///
    /// - Parameter inFlight: requests sent and not yet answered; the server may have counted them by then.
    public func record(of businessID: Int64, inFlight: Int, now: Moment) -> BusinessRecord {
        BusinessRecord(
            businessID: businessID, isPaused: isPaused,
            hold: hold.map { BusinessRecord.Hold(reason: $0.reason, endsIn: max($0.until - now, .zero)) },
            quota: window.map {
                BusinessRecord.Quota(
                    limit: $0.limit, remaining: max($0.remaining - pacer.lost - inFlight, 0),
                    resetsIn: max($0.endsAt - now, .zero))
            })
    }
}
