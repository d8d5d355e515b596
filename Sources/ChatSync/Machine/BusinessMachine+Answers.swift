import ChatOutbox
import MarketAPI

// What an answer of the Market changes.
extension BusinessMachine {
    /// Decides what an answer means. From here on the row is not in flight, and its result is written.
    mutating func conclude(_ rowID: Int64, _ reply: MarketReply<CreatedChat>, now: Moment, random: EngineRandom) {
        guard let entry = rows[rowID], case .inFlight(let flight) = entry.place, let kind = entry.row.kind else {
            return
        }
        let verdict = Verdict.of(
            reply, row: entry.row, businessID: settings.businessID, patience: settings.patience,
            random: random.next())
        counters.requests += reply.tries
        if reply.quota?.remaining == nil { conditions.pacer.lostAnswers(reply.lostTries) }
        let (holdBefore, openBefore) = (conditions.hold, conditions.circuits)
        let answer = Answer(row: entry.row, kind: kind, flight: flight, reply: reply, verdict: verdict)
        let conclusion = weigh(answer, now: now, random: random)
        logChanges(from: holdBefore, openBefore, now: now)
        guard let change = conclusion.change else {
            rows.remove(rowID)
            view.mustRead()
            return
        }
        let exchange = change.isSuccess ? nil : verdict.exchange
        let result = RowResult(
            rowID: rowID, businessID: settings.businessID, attempts: entry.row.attempts, change: change,
            exchange: exchange)
        rows.put(entry.row, .writing(result, refusals: 0, suspicion: conclusion.suspicion))
        commands += [.log(.concluded(entry.row, change, verdict.exchange)), .write(result, isApart: false)]
    }

    /// An answer and what it is to.
    private struct Answer {
        var row: DueRow
        var kind: ChatContext.Kind
        var flight: Flight
        var reply: MarketReply<CreatedChat>
        var verdict: Verdict

        var wasProbe: Bool { flight.purpose != .settle }
        /// Whether others were answered well since the row failed with the same.
        func isNothingNew(_ reason: Suspicion.Reason) -> Bool {
            flight.suspicion.map { $0.reason == reason && $0.isProven } ?? false
        }
    }

    /// What becomes of the row. It may be milder than the verdict: a failed probe burns no attempt.
    private struct Conclusion {
        var change: RowResult.Change?
        var suspicion: Suspicion?
    }

    private mutating func weigh(_ answer: Answer, now: Moment, random: EngineRandom) -> Conclusion {
        let (reply, verdict, flight) = (answer.reply, answer.verdict, answer.flight)
        reportHost(answer)
        switch verdict.evidence {
        case .nothing: break
        case .answered:
            conditions.pacer.answered(reply.quota, sentAt: flight.sentAt, now: now)
            conditions.succeeded(answer.kind, sentAt: flight.sentAt, now: now)
            othersAreProven(now: now, random: random)
        case .failed(let retryAfter): return fail(answer, retryAfter: retryAfter, now: now, random: random)
        case .hostIsAway:
            if answer.flight.purpose == .reachHost || host != .reachable {
                return Conclusion(change: .deferred, suspicion: suspicion(answer, .circuit, now: now))
            }
        case .forbidden: return forbid(answer, now: now, random: random)
        case .odd(let status):
            conditions.pacer.answered(reply.quota, sentAt: flight.sentAt, now: now)
            conditions.circuits[answer.kind].succeeded(now: now)
            oddAnswer(answer, status: status, now: now)
        case .held(let kind, let time): return hold(answer, kind, time, now: now, random: random)
        case .quotaUsedUp: quotaIsUsedUp(answer, now: now, random: random)
        case .tooManyInFlight:
            counters.parallelRefusals += 1
            conditions.pacer.failed(reply.quota, sentAt: flight.sentAt, now: now)
            conditions.parallel.refused(sentAt: flight.sentAt, now: now, random: random.next())
        }
        return Conclusion(change: verdict.change, suspicion: flight.suspicion)
    }

    private mutating func reportHost(_ answer: Answer) {
        switch answer.verdict.evidence {
        case .nothing: break
        // It never left the process.
        case .held where answer.reply.answer.isWithoutCredentials: break
        case .hostIsAway: commands.append(.reportHost(.failed(wasProbe: answer.flight.purpose == .reachHost)))
        default:
            // Without an answer nothing is known; but a connection came about.
            commands.append(.reportHost(.answered))
        }
        if answer.flight.purpose == .reachHost, host == .probing { host = .away }
    }

    private func suspicion(_ answer: Answer, _ reason: Suspicion.Reason, now: Moment) -> Suspicion {
        let earlier = answer.flight.suspicion.flatMap { $0.reason == reason ? $0.strikes : nil } ?? 0
        return Suspicion(reason: reason, strikes: earlier + 1, failedAt: now, notBefore: now)
    }

    /// It is the row's own fault: it waits, longer each time, and nothing is concluded from it.
    private func blame(_ answer: Answer, _ reason: Suspicion.Reason, now: Moment, random: EngineRandom) -> Conclusion {
        var suspicion = suspicion(answer, reason, now: now)
        suspicion.isProven = true
        suspicion.notBefore = now + Suspicion.waits.delay(attempts: suspicion.strikes - 1, random: random.next())
        return Conclusion(change: .deferred, suspicion: suspicion)
    }

    /// The key is good: rows that got 403 or a hold did so for themselves.
    private mutating func othersAreProven(now: Moment, random: EngineRandom) {
        guard rows.suspects > 0 else { return }
        for (row, known) in rows.suspicions where known.reason != .circuit && !known.isProven {
            var suspicion = known
            suspicion.isProven = true
            // However often it was asked while the business was held, that may have been everybody's fault.
            suspicion.strikes = 1
            if known.reason == .forbidden {
                suspicion.notBefore = known.failedAt + Suspicion.waits.delay(attempts: 0, random: random.next())
            }
            rows.put(row, .suspect(suspicion))
        }
    }

    // MARK: Failures

    private mutating func fail(_ answer: Answer, retryAfter: Duration?, now: Moment, random: EngineRandom) -> Conclusion
    {
        let (reply, sentAt) = (answer.reply, answer.flight.sentAt)
        // A malformed 200 spends quota, a failure does not.
        if case .malformed = reply.answer {
            conditions.pacer.answered(reply.quota, sentAt: sentAt, now: now)
        } else {
            conditions.pacer.failed(reply.quota, sentAt: sentAt, now: now)
        }
        let wasOpen = conditions.circuits[answer.kind].isOpen
        let isNews = answer.row.attempts == 0 && answer.flight.suspicion == nil
        conditions.circuits[answer.kind].failed(
            wasProbe: answer.wasProbe, isNews: isNews, now: now, random: random.next())
        if isNews || answer.wasProbe { conditions.odd.end() }
        if isNews, retryAfter == nil { conditions.overloaded.end() }
        if let retryAfter, isNews || answer.wasProbe {
            conditions.overloaded.add(answer.row.id)
            if conditions.overloaded.isFull {
                conditions.hold(
                    .overloaded, answer.verdict.exchange, until: now + retryAfter,
                    wasProbe: answer.flight.purpose == .endHold, now: now)
            }
        }
        // It says nothing of what the business is held for.
        if answer.flight.purpose == .endHold {
            conditions.postpone(
                to: max(now + CircuitBreaker.untestedInterval, nextProbe(of: answer.kind) ?? now))
        }
        guard wasOpen || answer.flight.purpose == .endHold else {
            return Conclusion(change: answer.verdict.change, suspicion: answer.flight.suspicion)
        }
        // The business is why, or may be: no attempt is burned.
        var suspicion = suspicion(answer, .circuit, now: now)
        suspicion.notBefore = now + (retryAfter ?? .zero)
        return Conclusion(change: .deferred, suspicion: suspicion)
    }

    private mutating func oddAnswer(_ answer: Answer, status: Int, now: Moment) {
        let wasProbe = answer.flight.purpose == .endHold
        guard answer.row.attempts == 0 || wasProbe else { return }
        conditions.overloaded.end()
        let isHeld = conditions.isHeldByOdd(status: status, row: answer.row.id)
        if isHeld {
            conditions.hold(
                .misconfigured, answer.verdict.exchange, until: now + Hold.recheck, wasProbe: wasProbe, now: now)
        } else if let hold = conditions.hold, answer.flight.sentAt >= hold.since {
            conditions.hold = nil
        }
    }

    // MARK: The key and the address

    private mutating func forbid(_ answer: Answer, now: Moment, random: EngineRandom) -> Conclusion {
        conditions.pacer.answered(answer.reply.quota, sentAt: answer.flight.sentAt, now: now)
        guard answer.flight.keyNumber == keyNumber else { return Conclusion(change: .deferred) }
        if answer.isNothingNew(.forbidden) { return blame(answer, .forbidden, now: now, random: random) }
        if answer.flight.purpose == .endHold, conditions.hold?.kind == .authorization {
            holdForForbidden(answer.verdict.exchange, wasProbe: true, now: now)
        } else {
            // Whatever else it was held for is over.
            if answer.flight.purpose == .endHold { conditions.hold = nil }
            conditions.forbidden.add(answer.row.id)
            conditions.nextDoubtProbe = now + BusinessConditions.doubtInterval
            lastForbidden = answer.verdict.exchange
            if conditions.forbidden.isFull {
                holdForForbidden(answer.verdict.exchange, wasProbe: false, now: now)
            }
        }
        return Conclusion(change: .deferred, suspicion: suspicion(answer, .forbidden, now: now))
    }

    /// Ten rows in a row got 403, or all that are due.
    mutating func holdForForbidden(_ exchange: ExchangeRecord?, wasProbe: Bool, now: Moment) {
        let before = (conditions.hold, conditions.circuits)
        // From the last 403 on: what came between, such as the end of the quota, is not waited for twice.
        let lastAnswer = conditions.nextDoubtProbe.map { min($0, now) } ?? now
        conditions.hold(
            .authorization, exchange ?? lastForbidden, until: lastAnswer + Hold.recheck, wasProbe: wasProbe, now: now)
        conditions.forbidden.end()
        conditions.nextDoubtProbe = nil
        if exchange == nil { logChanges(from: before.0, before.1, now: now) }
    }

    private mutating func hold(
        _ answer: Answer, _ kind: Hold.Kind, _ time: Duration, now: Moment, random: EngineRandom
    ) -> Conclusion {
        conditions.pacer.answered(answer.reply.quota, sentAt: answer.flight.sentAt, now: now)
        let isForOldKey = kind == .authorization && answer.flight.keyNumber != keyNumber
        if isForOldKey { return Conclusion(change: .deferred) }
        if answer.isNothingNew(.hold) { return blame(answer, .hold, now: now, random: random) }
        conditions.hold(
            kind, answer.verdict.exchange, until: now + time, wasProbe: answer.flight.purpose == .endHold, now: now)
        conditions.nextDoubtProbe = nil
        return Conclusion(change: .deferred, suspicion: suspicion(answer, .hold, now: now))
    }

    private mutating func quotaIsUsedUp(_ answer: Answer, now: Moment, random: EngineRandom) {
        counters.quotaRefusals += 1
        let (quota, retryAfter) = (answer.reply.quota, answer.reply.retryAfter)
        // Several that were refused at the same time say no more than one of them.
        let isOldNews = conditions.hold.map { $0.kind == .quota && answer.flight.sentAt <= $0.since } ?? false
        if isOldNews, quota?.resetsIn == nil, retryAfter == nil { return }
        let until = conditions.pacer.refused(quota, retryAfter: retryAfter, now: now, random: random)
        conditions.hold(
            .quota, answer.verdict.exchange, until: until, wasProbe: answer.flight.purpose == .endHold, now: now)
    }

    // MARK: Telling

    private mutating func logChanges(from before: Hold?, _ circuits: PerKind<CircuitBreaker>, now: Moment) {
        // One that is only longer by a probe's failure is no news.
        if let hold = conditions.hold, hold.since != before?.since || hold.kind != before?.kind {
            commands.append(.log(.held(hold, for: hold.until - now)))
        } else if before != nil, conditions.hold == nil {
            commands.append(.log(.released))
        }
        for kind in ChatContext.Kind.allCases where circuits[kind].isOpen != conditions.circuits[kind].isOpen {
            if conditions.circuits[kind].isOpen { view.mayHaveUntested[kind] = true }
            commands.append(.log(circuits[kind].isOpen ? .circuitClosed(kind) : .circuitOpened(kind)))
        }
    }
}

extension RowResult.Change {
    var isSuccess: Bool {
        if case .created = self { true } else { false }
    }
}

extension MarketAnswer {
    fileprivate var isWithoutCredentials: Bool {
        if case .failed(.noCredentials) = self { true } else { false }
    }
}
