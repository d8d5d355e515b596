import ChatOutbox
import MarketAPI

// What is asked of the machine, for people and for the next owner.
extension BusinessMachine {
    /// Whether a request that failed may be repeated at once.
    func allowsRepeats(now: Moment) -> Bool {
        ownership.isOurs && !isDraining && host == .reachable
            && conditions.allowsRepeats(inFlight: rows.inFlight, now: now)
    }

    /// Why nothing is sent, or only probes are, and until when.
    func obstacle(now: Moment) -> Hold? {
        if let hold = conditions.hold { return hold }
        if rows.unwritten >= Self.unwrittenLimit {
            return Hold(
                kind: .database, reason: "database: \(rows.unwritten) results cannot be written; see last_error",
                until: now + Self.rewriting.max, since: now)
        }
        if host != .reachable {
            return Hold(kind: .circuit, reason: "circuit: the Market's host is away", until: now, since: now)
        }
        if conditions.circuits.isAnyOpen { return circuitObstacle(now: now) }
        guard let window = conditions.window, now < window.endsAt,
            window.remaining - conditions.pacer.lost - rows.inFlight <= settings.quotaReserve
        else { return nil }
        let reserve = settings.quotaReserve > 0 ? ", but for the reserve of \(settings.quotaReserve)" : ""
        return Hold(kind: .quota, reason: "quota: used up\(reserve)", until: window.endsAt, since: now)
    }

    /// Whoever reads SQL, and the next owner, is to know why nothing is sent.
    mutating func tellOfObstacle(now: Moment) {
        guard ownership.isOurs else { return }
        let obstacle = obstacle(now: now).map { Obstacle(kind: $0.kind, until: conditions.hold?.until) }
        guard obstacle != told else { return }
        told = obstacle
        logQuota(obstacle, now: now)
        let isTakenAlong = commands.contains { if case .write(_, isApart: false) = $0 { true } else { false } }
        if !isTakenAlong { commands.append(.remember) }
    }

    /// Once for each window: where an answer spends nothing, requests remain after all, for a moment.
    private mutating func logQuota(_ obstacle: Obstacle?, now: Moment) {
        guard obstacle?.kind == .quota, conditions.hold == nil, let window = conditions.window,
            quotaLoggedFor != conditions.pacer.windowNumber
        else { return }
        quotaLoggedFor = conditions.pacer.windowNumber
        commands.append(.log(.quotaUsedUp(limit: window.limit, for: window.endsAt - now)))
    }

    /// Why nothing is sent, or only probes are.
    struct Obstacle: Sendable, Hashable {
        var kind: Hold.Kind
        /// Of a hold; the rest ends when it ends.
        var until: Moment?
    }

    private func circuitObstacle(now: Moment) -> Hold? {
        let open = ChatContext.Kind.allCases.filter { conditions.circuits[$0].isOpen }
        let failures = open.map { conditions.circuits[$0].failures }.max() ?? 0
        let names = open.map(\.rawValue).joined(separator: " and ")
        let until = nextLook.map { max($0, now) } ?? now
        return Hold(
            kind: .circuit, reason: "circuit: \(names): \(failures) failures in a row", until: until, since: now)
    }

    func status(now: Moment) -> BusinessStatus {
        var status = BusinessStatus(businessID: settings.businessID)
        status.isOwned = ownership.isOurs
        status.isPaused = conditions.isPaused
        status.isAsleep = ownership == .ours(.asleep) || ownership == .ours(.covered)
        status.hold = obstacle(now: now).map {
            BusinessStatus.Hold(kind: $0.kind, reason: $0.reason, endsIn: max($0.until - now, .zero))
        }
        status.inFlight = rows.inFlight
        status.unwritten = rows.unwritten + rows.writing
        status.due = due.count
        status.dueIsAtLeast = due.isAtLeast
        status.oldestDueFor = due.oldestDueFor(now: now)
        status.openCircuits = ChatContext.Kind.allCases.filter { conditions.circuits[$0].isOpen }.map(\.rawValue)
        status.nextDueIn = view.nextDue.map { max($0 - now, .zero) }
        status.quota = conditions.window.map {
            BusinessRecord.Quota(
                limit: $0.limit, remaining: max($0.remaining, 0), resetsIn: max($0.endsAt - now, .zero))
        }
        status.counters = counters
        return status
    }

    /// What the next owner should know.
    func record(now: Moment) -> BusinessRecord {
        BusinessRecord(
            businessID: settings.businessID, isPaused: conditions.isPaused,
            hold: obstacle(now: now).map { BusinessRecord.Hold(reason: $0.reason, endsIn: max($0.until - now, .zero)) },
            quota: conditions.window.map {
                BusinessRecord.Quota(
                    limit: $0.limit, remaining: max($0.remaining - conditions.pacer.lost - rows.inFlight, 0),
                    resetsIn: max($0.endsAt - now, .zero))
            })
    }
}
