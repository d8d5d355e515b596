import ChatOutbox
import MarketAPI

// Which row goes next, and what has to be asked for it.
extension BusinessMachine {
    /// Does the next thing that can be done at once, if there is one; else says when to look again.
    ///
    /// - Returns: whether there may be more to do.
    mutating func step(now: Moment, random: EngineRandom) -> Bool {
        guard rows.unwritten < Self.unwrittenLimit, rows.writing < Self.writingLimit else {
            return idle(until: nil, looks: false, now: now)
        }
        let number = conditions.pacer.windowNumber
        let inFlightHere = rows.inFlight == 0 ? 0 : rows.flights.count { $0.flight.window == number }
        switch conditions.permission(
            inFlight: rows.inFlight, inFlightHere: inFlightHere, now: now, random: random)
        {
        case .paused: return idle(until: nil, looks: true, now: now)
        case .wait(let until): return idle(until: until, looks: !settings.isOnce, now: now)
        case .waitForAnswer:
            // A new window began just now: what was sent in the old one does not stand in its way.
            if conditions.pacer.windowNumber != number { return true }
            // More rows than can be sent at once: the producers' notifications tell nothing new.
            if ownership == .ours(.asleep), view.isBusy { wakeUp() }
            return false
        case .probe:
            return probe(.endHold, of: nil, now: now, random: random)
                || look(at: nil, maySend: false, now: now, random: random)
        case .send:
            let next = conditions.permission(
                inFlight: rows.inFlight + 1, inFlightHere: inFlightHere + 1, now: now, random: random)
            return stepFreely(isLastPlace: next != .send, now: now, random: random)
        }
    }

    /// - Parameter isLastPlace: whether one request more is all that may go now.
    private mutating func stepFreely(isLastPlace: Bool, now: Moment, random: EngineRandom) -> Bool {
        if host == .probing {
            return probe(.reachHost, of: nil, now: now, random: random)
                || look(at: nil, maySend: false, now: now, random: random)
        }
        if let next = conditions.nextDoubtProbe { return settleDoubt(after: next, now: now, random: random) }
        let closed = ChatContext.Kind.allCases.filter { !conditions.circuits[$0].isOpen }
        let contextType = closed.count == 1 ? closed[0].rawValue : nil
        // The last free place goes to probes and to others in turn: a probe may take long to be answered.
        let isOthersTurn = hasProbedLast && !closed.isEmpty && isLastPlace
        if isOthersTurn, look(at: contextType, maySend: true, now: now, random: random) { return true }
        let open = ChatContext.Kind.allCases.filter { conditions.circuits[$0].isOpen }
            .sorted { conditions.circuits[$0].lastProbe ?? now < conditions.circuits[$1].lastProbe ?? now }
        for kind in open where probeCircuit(of: kind, now: now, random: random) { return true }
        return !isOthersTurn && look(at: contextType, maySend: !closed.isEmpty, now: now, random: random)
    }

    /// Some row got 403: others are tried, one at a time, until it is known whether it is the key.
    private mutating func settleDoubt(after next: Moment, now: Moment, random: EngineRandom) -> Bool {
        guard now >= next else {
            lookAgain(at: next, now: now)
            return false
        }
        // One at a time; but a slow one must not hold up the others.
        let probes = rows.flights.filter { $0.flight.purpose == .settleDoubt }
        if let last = probes.map(\.flight.sentAt).max(), now - last < BusinessConditions.doubtInterval {
            lookAgain(at: last + BusinessConditions.doubtInterval, now: now)
            return false
        }
        if probe(.settleDoubt, of: nil, now: now, random: random) { return true }
        lookAgain(at: view.retryAt, now: now)
        guard view.question == nil, host == .reachable, rows.inFlight == 0,
            let sample = view.sample(of: nil, now: now)
        else { return false }
        // While producers are silent, an older sample does not know what has come since.
        if sample.takenAt < next {
            view.forgetSample(of: nil)
        } else {
            // All that are due got 403.
            holdForForbidden(nil, wasProbe: false, now: now)
        }
        return true
    }

    private mutating func probeCircuit(of kind: ChatContext.Kind, now: Moment, random: EngineRandom) -> Bool {
        guard let next = nextProbe(of: kind) else { return false }
        guard now >= next else {
            lookAgain(at: next, now: now)
            return false
        }
        // One at a time; but a row that is answered after many seconds must not hold up all that follow.
        let probes = rows.flights.filter { $0.row.kind == kind && $0.flight.purpose != .settle }
        if probes.contains(where: { now - $0.flight.sentAt < CircuitBreaker.untestedInterval }) || probes.count > 1 {
            lookAgain(
                at: probes.map { $0.flight.sentAt + CircuitBreaker.untestedInterval }.filter { $0 > now }.min(),
                now: now)
            return false
        }
        return probe(.closeCircuit, of: kind, now: now, random: random)
    }

    /// When the open circuit may be tried next; `nil` while it is closed.
    func nextProbe(of kind: ChatContext.Kind) -> Moment? {
        let untested = untested(of: kind)
        return conditions.circuits[kind].nextProbe(
            rows: rows.suspectsOfKind[kind] + untested, hasUntested: view.mayHaveUntested[kind] || untested > 0)
    }

    /// Rows that have not failed, as far as they are known.
    private func untested(of kind: ChatContext.Kind) -> Int {
        let known = rows.fresh.count { rows[$0]?.row.kind == kind }
        return max(known, view.untestedInSamples(of: kind))
    }

    // MARK: Probes

    /// Sends one row to find something out: one that has not failed, drawn from all parts of what is due; and where all
    /// have, the one whose failure is longest ago.
    ///
    /// - Returns: whether something was done.
    private mutating func probe(
        _ purpose: Flight.Purpose, of kind: ChatContext.Kind?, now: Moment, random: EngineRandom
    ) -> Bool {
        let contextType = kind?.rawValue
        if let sample = view.sample(of: contextType, now: now) {
            guard let row = candidate(sample, kind, isForDoubt: purpose == .settleDoubt, now: now) else { return false }
            guard send(row, purpose, now: now, random: random) else { return false }
            if sample.rows.allSatisfy({ $0.id == row.id }) { view.forgetSample(of: contextType) }
            return true
        }
        guard view.question == nil else { return false }
        if let retryAt = view.retryAt, now < retryAt {
            lookAgain(at: retryAt, now: now)
            return false
        }
        ask(.sample(contextType: contextType))
        return true
    }

    private mutating func candidate(
        _ sample: DueView.Sample, _ kind: ChatContext.Kind?, isForDoubt: Bool, now: Moment
    ) -> DueRow? {
        func isFree(_ row: DueRow) -> Bool {
            switch rows[row.id]?.place {
            case .fresh, .again, nil: true
            case .inFlight, .writing, .unwritten, .suspect: false
            }
        }
        let drawn = sample.rows.filter(isFree)
        if let row = drawn.first(where: { $0.attempts == 0 }) ?? drawn.first { return row }
        let known = (rows.fresh + rows.again).compactMap { rows[$0]?.row }
        if let row = known.first(where: { kind == nil || $0.kind == kind }) { return row }
        if isForDoubt { return nil }
        let suspects = rows.suspicions.filter { kind == nil || $0.row.kind == kind }
        let ready = suspects.filter { $0.suspicion.notBefore <= now }
        if ready.isEmpty { lookAgain(at: suspects.map(\.suspicion.notBefore).min(), now: now) }
        return ready.min { ($0.suspicion.failedAt, $0.row.id) < ($1.suspicion.failedAt, $1.row.id) }?.row
    }

    // MARK: Rows in their order

    /// Sends the next row in order, or asks the database for more, or falls asleep.
    ///
    /// - Returns: whether something was done.
    private mutating func look(
        at contextType: String?, maySend: Bool, now: Moment, random: EngineRandom
    ) -> Bool {
        // Where repeats alone are left, fresh rows may have come silently since.
        let isReadNeeded =
            view.isReadNeeded || view.contextType != contextType
            || maySend && rows.fresh.isEmpty && view.isOld(now: now) && nextAgain(contextType, now: now) != nil
        if !isReadNeeded {
            if maySend, let row = nextInOrder(contextType, now: now) {
                return send(row, .settle, now: now, random: random)
            }
            if !maySend, !rows.fresh.isEmpty { return false }
        }
        guard view.question == nil else { return false }
        if let retryAt = view.retryAt, now < retryAt {
            lookAgain(at: retryAt, now: now)
            return false
        }
        let hasBecomeDue = view.nextDue.map { $0 <= now } == true
        // Of whichever type: those whose circuit is open have to hear of it too.
        if hasBecomeDue { view.news() }
        let isMoreDue = view.watermark != nil || !view.isComplete || hasBecomeDue
        if isReadNeeded || isMoreDue {
            ask(.read(view.read(contextType: contextType, known: rows.known, now: now)))
            return true
        }
        if !ownership.hears {
            ask(.sleep(view.fullRead(contextType: contextType, known: rows.known)))
            return true
        }
        lookAgain(at: view.nextDue, now: now)
        lookAgain(at: rows.nextRelease(of: contextType), now: now)
        endOnceIfDone(now: now)
        return false
    }

    /// Rows that were tried before get a tenth of the requests while others wait.
    private func nextInOrder(_ contextType: String?, now: Moment) -> DueRow? {
        let again = nextAgain(contextType, now: now)
        guard let fresh = rows.fresh.first.flatMap({ rows[$0]?.row }) else {
            // Fresh ones may lie behind what was read.
            return view.watermark == nil && view.isComplete ? again : nil
        }
        return freshInARow < 9 ? fresh : again ?? fresh
    }

    /// By priority, and in turn with that the one that has waited longest: rows that fail again and again must not keep
    /// their place before others for ever.
    private func nextAgain(_ contextType: String?, now: Moment) -> DueRow? {
        let read = rows.again.compactMap { rows[$0]?.row }
        guard rows.nextRelease(of: contextType).map({ $0 <= now }) == true else {
            return againTurn == 0 ? read.first : read.min { $0.dueAtMicroseconds < $1.dueAtMicroseconds }
        }
        let released = rows.suspicions.filter {
            $0.suspicion.notBefore <= now && (contextType == nil || $0.row.contextType == contextType)
        }
        let suspect = released.min { ($0.suspicion.failedAt, $0.row.id) < ($1.suspicion.failedAt, $1.row.id) }?.row
        guard let suspect, let first = read.first else { return suspect ?? read.first }
        switch againTurn {
        case 0: return first.priority > suspect.priority ? first : suspect
        case 1: return suspect
        default: return read.min { $0.dueAtMicroseconds < $1.dueAtMicroseconds }
        }
    }

    // MARK: Sending

    private mutating func send(
        _ row: DueRow, _ purpose: Flight.Purpose, now: Moment, random: EngineRandom
    ) -> Bool {
        guard let kind = row.kind else {
            rejectUnknownType(row)
            return true
        }
        guard mayReachHost() else { return false }
        var suspicion: Suspicion?
        if case .suspect(let known) = rows[row.id]?.place { suspicion = known }
        countShare(isFresh: row.attempts == 0 && suspicion == nil)
        let purpose = host == .probing ? .reachHost : purpose
        let flight = Flight(
            sentAt: now, purpose: purpose, window: conditions.pacer.windowNumber, keyNumber: keyNumber,
            suspicion: suspicion)
        rows.put(row, .inFlight(flight))
        hasProbedLast = purpose != .settle
        if hasProbedLast { probeTurn = (probeTurn + 1) % Self.probeTurns }
        view.takeFromSample(row.id)
        if purpose != .settle { conditions.circuits[kind].probed(now: now, random: random.next()) }
        commands += [.log(.requested(row)), .send(row)]
        return true
    }

    private mutating func countShare(isFresh: Bool) {
        let number = conditions.pacer.windowNumber
        if number != shareWindow, (conditions.window?.limit ?? settings.requestsPerWindow) >= 10 { freshInARow = 0 }
        shareWindow = number
        freshInARow = isFresh ? min(freshInARow + 1, 9) : 0
        if !isFresh { againTurn = (againTurn + 1) % 3 }
    }

    // MARK: Waiting for something else than rows

    /// Reads what the database told of, though nothing may be sent.
    ///
    /// - Returns: whether it asked.
    private mutating func readNews(now: Moment) -> Bool {
        guard hasNews, view.question == nil, view.retryAt.map({ $0 <= now }) ?? true else { return false }
        ask(.read(view.fullRead(contextType: nil, known: rows.known)))
        return true
    }

    /// Producers need not notify meanwhile.
    ///
    /// - Parameter looks: whether a pause and what is due are to be seen at once, though nothing is sent.
    /// - Returns: whether there may be more to do.
    private mutating func idle(until: Moment?, looks: Bool, now: Moment) -> Bool {
        if ownership == .ours(.asleep), hasNews, !conditions.isPaused { wakeUp() }
        if looks, readNews(now: now) { return true }
        if settings.isOnce, rows.inFlight == 0, rows.writing == 0, until.map({ $0 - now >= Self.onceWait }) ?? true {
            end(.left(obstacle(now: now)?.reason ?? (conditions.isPaused ? "the business is paused" : "waiting")))
            return false
        }
        if !conditions.isPaused { view.mustRead() }
        if looks, hasNews { lookAgain(at: view.retryAt, now: now) }
        lookAgain(at: until, now: now)
        return false
    }

    private mutating func wakeUp() {
        ownership = .ours(.awake)
        view.mustRead()
        commands.append(.wakeUp)
    }

    private mutating func endOnceIfDone(now: Moment) {
        guard settings.isOnce, rows.inFlight == 0, rows.writing == 0 else { return }
        let waiting = rows.suspects + rows.unwritten
        let isDone = rows.unwritten == 0 || rows.refused.allSatisfy { $0.refusals > 1 }
        if conditions.circuits.isAnyOpen, let nextLook, nextLook - now <= Self.onceWait { return }
        guard isDone else { return }
        if conditions.circuits.isAnyOpen {
            end(.left(obstacle(now: now)?.reason ?? "the circuit is open"))
        } else {
            end(waiting == 0 ? .done : .left("\(waiting) rows have to wait; see their last_error"))
        }
    }
}
