import ChatOutbox
import MarketAPI

/// All that is decided about one business: which row goes next and when, what an answer changes, when to sleep.
///
/// A value: events go in, commands come out, and time and chance are arguments. ``BusinessWorker`` carries the commands
/// out. So a test can step it, and a checker can visit every state of a small world.
struct BusinessMachine: Sendable, Hashable {
    let settings: MachineSettings
    var ownership = Ownership.notOurs
    var conditions: BusinessConditions
    var rows = RowTable()
    var view = DueView()
    var due = DueCount()
    var counters = BusinessStatus.Counters()
    var host = HostState.reachable
    /// Counts the API keys.
    var keyNumber = 0
    /// Fresh rows that were sent since the last repeat.
    var freshInARow = 0
    /// Whose turn it is among rows that were tried before: by priority, suspects, or the longest due. 0 to 2.
    var againTurn = 0
    /// Whose turn it is among the parts that a sample is drawn from: 0 up to ``probeTurns``.
    var probeTurn = 0
    /// First, last and between, of both types.
    static let probeTurns = 6
    /// What the last 403 said.
    var lastForbidden: ExchangeRecord?
    /// The window of the quota in which they are counted.
    var shareWindow = 0
    /// Whether the last request was a probe.
    var hasProbedLast = false
    /// Whether the other session's sleep ended while we were falling asleep.
    private var hasCoverEnded = false
    /// Whether something may have changed that a paused or held business has not looked at.
    var hasNews = false
    /// What stands in the way, as the database was told last.
    var told: Obstacle?
    /// The window whose end of the quota was logged.
    var quotaLoggedFor = -1
    private(set) var isDraining = false
    private(set) var ending: WorkerEnding?
    private var hasOwned = false
    private var hasLoggedOtherOwner = false
    var hasAskedForHost = false
    var timer: Moment?
    /// The earliest time at which something may be decided anew.
    var nextLook: Moment?
    var commands: [MachineCommand] = []

    /// Results that the database refused: more are not kept, and nothing more is asked for.
    static let unwrittenLimit = 500
    /// Results on their way to the database: a slow one slows the requests down.
    static let writingLimit = 256
    /// A run with `isOnce` waits for so long, and not longer.
    static let onceWait = Duration.seconds(5)

    init(_ settings: MachineSettings) {
        self.settings = settings
        conditions = BusinessConditions(
            maxParallel: settings.maxParallel,
            pacer: QuotaPacer(
                prior: settings.requestsPerWindow, reserve: settings.quotaReserve, jitter: settings.windowJitter))
    }

    /// Takes an event in.
    ///
    /// - Returns: what is to be done, in this order.
    mutating func handle(_ event: MachineEvent, now: Moment, random: EngineRandom) -> [MachineCommand] {
        guard ending == nil else { return [] }
        take(event, now: now, random: random)
        decide(now: now, random: random)
        defer { commands = [] }
        return commands
    }

    private mutating func take(_ event: MachineEvent, now: Moment, random: EngineRandom) {
        switch event {
        case .owned(let record): own(record, now: now)
        case .lost: lose()
        case .woken: news()
        case .read(let found): takeRead(found, now: now)
        case .fellAsleep(let found, let sleep): fellAsleep(found, sleep, now: now)
        case .sampled(let rows):
            // The parts take turns, also where each probe has a sample of its own.
            let turn = rows.isEmpty ? 0 : probeTurn % rows.count
            view.sampled(Array(rows[turn...] + rows[..<turn]), now: now)
        case .askFailed: askFailed(now: now, random: random)
        case .producersEnded: listenAgain(ifIt: .awaitingProducers)
        case .coverEnded:
            if case .sleep = view.question { hasCoverEnded = true }
            listenAgain(ifIt: .covered)
        case .answered(let rowID, let reply): conclude(rowID, reply, now: now, random: random)
        case .wrote(let rowID, let outcome): wrote(rowID, outcome, now: now, random: random)
        case .polled(let poll): polled(poll, now: now)
        case .timer: timer = nil
        case .holdEnded: holdEnded(now: now)
        case .keysChanged: keysChanged(now: now)
        case .host(let state): hostIs(state)
        case .ownedElsewhere(let hasWaited): ownedElsewhere(hasWaited: hasWaited)
        case .drain: isDraining = true
        }
    }

    private mutating func decide(now: Moment, random: EngineRandom) {
        nextLook = nil
        writeAgain(now: now)
        if isDraining {
            if rows.inFlight == 0, rows.writing == 0, rows.unwritten == 0 { end(.stopped) }
        } else if ownership.isOurs {
            while ending == nil, step(now: now, random: random) {}
        }
        declineHostProbe()
        endOnceWithoutHost(now: now)
        tellOfObstacle(now: now)
        guard ending == nil else { return }
        if nextLook != timer {
            timer = nextLook
            commands.append(.setTimer(nextLook))
        }
    }

    mutating func end(_ ending: WorkerEnding) {
        self.ending = ending
        commands += [.setTimer(nil), .end(ending)]
    }

    /// Not later than this it has to be decided anew. What could have been done before now waits for something else.
    mutating func lookAgain(at moment: Moment?, now: Moment) {
        guard let moment, moment > now else { return }
        nextLook = min(nextLook ?? moment, moment)
    }
}

// Ownership, and what wakes.
extension BusinessMachine {
    private mutating func own(_ record: BusinessRecord, now: Moment) {
        ownership = .ours(.awake)
        hasOwned = true
        conditions.restore(record, now: now)
        told = record.hold.flatMap { Hold.Kind(ofReason: $0.reason) }.map { Obstacle(kind: $0) }
        commands.append(.log(.owned(isPaused: record.isPaused)))
    }

    /// What is in flight goes on: its answers are true, whoever owns the row.
    private mutating func lose() {
        guard ownership.isOurs else { return }
        ownership = .notOurs
        rows.forgetDue()
        view.forget()
        hasAskedForHost = false
        commands.append(.log(.disowned))
    }

    private mutating func news() {
        hasNews = true
        view.news()
    }

    private mutating func listenAgain(ifIt attention: Ownership.Attention) {
        guard ownership == .ours(attention) else { return }
        ownership = .ours(.awake)
        news()
    }

    private mutating func polled(_ poll: BusinessPoll, now: Moment) {
        due.polled(poll, now: now)
        if conditions.isPaused, !poll.isPaused { news() }
        setPaused(poll.isPaused)
        if poll.coverHasEnded { listenAgain(ifIt: .covered) }
        if poll.due > rows.known + rows.fresh.count + rows.again.count { news() }
    }

    mutating func setPaused(_ isPaused: Bool) {
        guard isPaused != conditions.isPaused else { return }
        conditions.isPaused = isPaused
        commands.append(.log(.paused(isPaused)))
    }

    /// The key may be another one: what was held for the old one is tried at once.
    private mutating func keysChanged(now: Moment) {
        keyNumber += 1
        conditions.recheck(now: now)
        for (row, suspicion) in rows.suspicions where suspicion.reason != .circuit { rows.remove(row.id) }
        news()
    }

    /// Somebody knows better than we what has changed.
    private mutating func holdEnded(now: Moment) {
        guard ownership.isOurs else { return }
        conditions.endWaits(inFlight: rows.inFlight, now: now)
        for (row, suspicion) in rows.suspicions where suspicion.reason != .unwritten { rows.remove(row.id) }
        news()
    }

    private mutating func ownedElsewhere(hasWaited: Bool) {
        guard !ownership.isOurs else { return }
        if !hasOwned {
            if !hasLoggedOtherOwner { commands.append(.log(.ownedElsewhere)) }
            hasLoggedOtherOwner = true
            end(.ownedElsewhere)
        } else if hasWaited {
            end(.left("another session owns the business"))
        }
    }
}

// What the database answers.
extension BusinessMachine {
    mutating func ask(_ question: Question) {
        view.asked(question)
        switch question {
        case .read(let read):
            hasNews = false
            commands.append(.read(read))
        case .sleep(let read):
            hasNews = false
            hasCoverEnded = false
            commands.append(.fallAsleep(read))
        case .sample(let contextType):
            let excluded = rows.entries.filter { $0.value.place != .fresh && $0.value.place != .again }.map(\.key)
            commands.append(.sample(contextType: contextType, excluding: excluded.sorted(), limit: Self.sampleLimit))
        }
    }

    /// Rows of one sample.
    static let sampleLimit = 32

    private mutating func takeRead(_ found: DueRows, now: Moment) {
        guard case .read(let read) = view.question else { return }
        take(found, read, now: now)
    }

    private mutating func fellAsleep(_ found: DueRows, _ sleep: Sleep, now: Moment) {
        guard case .sleep(let read) = view.question, ownership.isOurs else { return }
        switch sleep {
        case .asleep: ownership = .ours(.asleep)
        case .covered: ownership = .ours(.covered)
        case .producersAreOpen:
            ownership = .ours(.awaitingProducers)
            commands.append(.watchProducers)
        }
        take(found, read, now: now)
        // Between the try for the lock and the look.
        if hasCoverEnded { listenAgain(ifIt: .covered) }
    }

    private mutating func take(_ found: DueRows, _ read: DueRead, now: Moment) {
        setPaused(found.isPaused)
        rows.forgetDue()
        func isFree(_ row: DueRow) -> Bool { rows[row.id] == nil && !view.wasSettledMeanwhile(row.id) }
        let fresh = found.fresh.filter(isFree)
        let again = found.repeats.filter(isFree)
        if read.watermark == nil, found.fresh.count < read.limit {
            if read.contextType == nil { due.counted(found.fresh.count + found.repeats.count) }
            forgetRowsThatAreGone(found, read)
        }
        for row in fresh { rows.put(row, .fresh) }
        for row in again { rows.put(row, .again) }
        view.answered(found, to: read, free: fresh.count + again.count, now: now)
    }

    /// Somebody else settled them, or put them off.
    private mutating func forgetRowsThatAreGone(_ found: DueRows, _ read: DueRead) {
        guard rows.suspects > 0 else { return }
        let due = Set((found.fresh + found.repeats).map(\.id))
        for (row, _) in rows.suspicions where row.attempts == 0 && !due.contains(row.id) {
            if read.contextType == nil || read.contextType == row.contextType { rows.remove(row.id) }
        }
    }

    private mutating func askFailed(now: Moment, random: EngineRandom) {
        hasNews = true
        view.askFailed(now: now, random: random.next())
    }
}
