import ChatOutbox
import MarketAPI

/// All that stands between a business and its next request, apart from its rows: a pause, a hold, doubt about the key,
/// the circuits, the quota and the limit of parallel requests. Each is a value; this one keeps them together.
struct BusinessConditions: Sendable, Hashable {
    /// What may be done now.
    enum Permission: Sendable, Equatable {
        case send
        /// One request alone, to find out whether the hold may end.
        case probe
        /// Something in flight has to be answered first.
        case waitForAnswer
        /// Not before this.
        case wait(until: Moment)
        /// Not before somebody changes something.
        case paused
    }

    /// An operator's lever, as last read from the database.
    var isPaused = false
    /// The hold, also when its time is over and the probe that ends it is still out.
    var hold: Hold?
    /// What is known of the quota's present window.
    var window: QuotaPacer.Window? { pacer.window }
    /// ORDER and RETURN may fail apart.
    var circuits = PerKind(CircuitBreaker())
    /// Rows in a row that got 403.
    var forbidden = Streak(limit: 10)
    /// Between two rows that are tried since one got 403.
    static let doubtInterval = Duration.seconds(5)
    /// When the next row may be tried while the key is in doubt.
    var nextDoubtProbe: Moment?
    /// Rows in a row with the same undocumented 4xx.
    var odd = Streak(limit: 3)
    private(set) var oddStatus: Int?
    /// Rows in a row whose 5xx had `Retry-After`.
    var overloaded = Streak(limit: 5)

    var pacer: QuotaPacer
    var parallel: ParallelLimit

    /// Different rows that said the same, one after the other.
    struct Streak: Sendable, Hashable {
        let limit: Int
        private(set) var rows: [Int64] = []

        init(limit: Int) {
            self.limit = limit
        }

        var isFull: Bool { rows.count >= limit }

        mutating func add(_ row: Int64) {
            if !rows.contains(row) { rows.append(row) }
        }

        mutating func end() {
            rows = []
        }
    }

    /// - Parameters:
    ///   - maxParallel: requests in flight, 1 to 4.
    ///   - pacer: the quota.
    init(maxParallel: Int, pacer: QuotaPacer) {
        parallel = ParallelLimit(max: maxParallel)
        self.pacer = pacer
    }

    /// Whether anything may be sent, as far as it is not a matter of which row.
    ///
    /// - Parameters:
    ///   - inFlight: requests sent and not yet answered.
    ///   - inFlightHere: of them, those that were sent in this window of the quota.
    ///   - now: this moment.
    ///   - random: for the time after a window's end.
    mutating func permission(inFlight: Int, inFlightHere: Int, now: Moment, random: EngineRandom) -> Permission {
        if isPaused { return .paused }
        if let hold, now < hold.until { return .wait(until: hold.until) }
        // The window's own rules say how a new one begins.
        if hold?.kind == .quota { hold = nil }
        if let pause = parallel.pausedUntil, now < pause { return .wait(until: pause) }
        switch pacer.permission(inFlight: inFlight, inFlightHere: inFlightHere, now: now, random: random) {
        case .waitForAnswer: return .waitForAnswer
        case .waitForWindow(let until): return .wait(until: until)
        case .send: break
        }
        if hold != nil { return inFlight == 0 ? .probe : .waitForAnswer }
        return inFlight < parallel.current ? .send : .waitForAnswer
    }

    /// Whether a request that failed may be repeated at once.
    func allowsRepeats(inFlight: Int, now: Moment) -> Bool {
        guard !isPaused, hold == nil, nextDoubtProbe == nil,
            ChatContext.Kind.allCases.allSatisfy({ !circuits[$0].isOpen && circuits[$0].failures < 3 })
        else { return false }
        return pacer.allowsRepeat(inFlight: inFlight, now: now)
    }

    /// The key is good, and the Market makes up its mind about rows.
    ///
    /// - Parameters:
    ///   - kind: of the row that was answered.
    ///   - sentAt: when the request was sent: one that was sent before a hold began says nothing about it.
    ///   - now: this moment.
    mutating func succeeded(_ kind: ChatContext.Kind, sentAt: Moment, now: Moment) {
        circuits[kind].succeeded(now: now)
        parallel.answered()
        forbidden.end()
        nextDoubtProbe = nil
        odd.end()
        overloaded.end()
        if let hold, sentAt >= hold.since { self.hold = nil }
    }

    /// A hold ends when the later of two says so, unless a probe has learned what holds now.
    mutating func hold(_ kind: Hold.Kind, _ exchange: ExchangeRecord?, until: Moment, wasProbe: Bool, now: Moment) {
        if let hold, !wasProbe, hold.until >= until { return }
        hold = Hold(kind: kind, reason: Self.reason(kind, exchange), until: until, since: now)
    }

    /// The probe that was to end the hold failed for another reason: the next one goes then.
    mutating func postpone(to moment: Moment) {
        if let hold { self.hold?.until = max(hold.until, moment) }
    }

    /// - Returns: whether so many rows in a row said the same that it is the business and not they.
    mutating func isHeldByOdd(status: Int, row: Int64) -> Bool {
        if oddStatus != status { odd.end() }
        oddStatus = status
        odd.add(row)
        return odd.isFull
    }

    /// Somebody may have done what a hold waited for: it is tried now, with one row.
    mutating func recheck(now: Moment) {
        if let hold, hold.kind.needsPerson { self.hold?.until = min(hold.until, now) }
        forbidden.end()
        nextDoubtProbe = nil
    }

    /// A person says that whatever is waited for is over: it is tried now, with one row; the answer tells what holds.
    mutating func endWaits(inFlight: Int, now: Moment) {
        if let hold { self.hold?.until = min(hold.until, now) }
        for kind in ChatContext.Kind.allCases { circuits[kind].recheck() }
        parallel.endPause()
        pacer.forgetWindow(inFlight: inFlight)
        forbidden.end()
        nextDoubtProbe = nil
    }

    private static func reason(_ kind: Hold.Kind, _ exchange: ExchangeRecord?) -> String {
        let details = [exchange?.httpStatus.map(String.init), exchange?.code, exchange?.message].compactMap { $0 }
        return details.isEmpty ? kind.rawValue : "\(kind.rawValue): \(details.joined(separator: " "))"
    }
}

extension BusinessConditions {
    /// Takes over what a former owner of the business left in the database. What it learned later than we did holds; of
    /// what it learned before, what ends later.
    mutating func restore(_ record: BusinessRecord, now: Moment) {
        isPaused = record.isPaused
        if let quota = record.quota { pacer.restore(quota, now: now) }
        let left = record.hold.flatMap { Self.hold(of: $0, now: now) }
        if let hold, let age = record.age, hold.since > now + (.zero - age) {
            guard let left, left.until > hold.until else { return }
        }
        hold = left
    }

    private static func hold(of record: BusinessRecord.Hold, now: Moment) -> Hold? {
        guard let kind = Hold.Kind(ofReason: record.reason), kind != .circuit,
            kind != .database
        else { return nil }
        let rest = min(record.endsIn, QuotaPacer.longestWindow)
        return Hold(kind: kind, reason: record.reason, until: kind.outlivesOwner ? now + rest : now, since: now)
    }
}
