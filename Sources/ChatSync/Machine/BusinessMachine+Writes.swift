import ChatOutbox
import MarketAPI

// What the database says of a result. A result that it refuses is kept, and only the write is repeated.
extension BusinessMachine {
    /// Which refusal in a row is logged: it comes after about a second.
    static let refusalsLogged = 4
    /// Between two tries to write the same result. Short to the end: what a person mends is to show at once.
    static let rewriting = Backoff(base: .milliseconds(500), max: .seconds(4))
    /// Refused results of one business that are tried at a time.
    static let rewritesAtOnce = 32

    mutating func rejectUnknownType(_ row: DueRow) {
        let exchange = ExchangeRecord(
            code: "UNKNOWN_CONTEXT_TYPE", message: "context_type must be ORDER or RETURN")
        let result = RowResult(
            rowID: row.id, businessID: settings.businessID, attempts: row.attempts, change: .rejected,
            exchange: exchange)
        rows.put(row, .writing(result, refusals: 0, suspicion: nil))
        commands += [.log(.concluded(row, .rejected, exchange)), .write(result, isApart: false)]
    }

    mutating func wrote(_ rowID: Int64, _ outcome: RowOutcome, now: Moment, random: EngineRandom) {
        guard let entry = rows[rowID], case .writing(let result, let refusals, let suspicion) = entry.place else {
            return
        }
        switch outcome {
        case .written: isWritten(entry.row, result, suspicion, now: now)
        case .notPending:
            leave(rowID)
            view.mustRead()
            commands.append(.log(.settledByOther(entry.row)))
        case .refused(let error):
            counters.refusals += 1
            logRefusal(of: entry.row, result, refusals + 1, error)
            keep(entry.row, result, refusals + 1, suspicion, error, now: now, random: random)
        }
    }

    /// An order that is just being saved makes a result wait for a moment, and that is no news: what is refused again and
    /// again is, and each new reason for it. A backoff is not tried again.
    private mutating func logRefusal(of row: DueRow, _ result: RowResult, _ refusals: Int, _ error: String) {
        let isLast = if case .backoff = result.change { refusals == 2 } else { false }
        let isStubborn = refusals == Self.refusalsLogged || refusals > Self.refusalsLogged && error != result.refusal
        if isLast || isStubborn { commands.append(.log(.writeRefused(row, error: error))) }
    }

    private mutating func isWritten(_ row: DueRow, _ result: RowResult, _ suspicion: Suspicion?, now: Moment) {
        switch result.change {
        case .created(let chatID):
            counters.created += 1
            commands.append(.log(.created(row, chatID: chatID)))
            due.settledOne()
            leave(row.id)
        case .rejected:
            counters.rejected += 1
            due.settledOne()
            leave(row.id)
        case .backoff(let delay):
            counters.backoffs += 1
            due.settledOne()
            leave(row.id)
            view.willBeDue(now + delay)
        case .deferred:
            counters.deferred += 1
            leave(row.id)
            stayDue(row, suspicion)
        }
    }

    private mutating func leave(_ id: Int64) {
        rows.remove(id)
        view.isSettled(id)
    }

    private mutating func stayDue(_ row: DueRow, _ suspicion: Suspicion?) {
        if let suspicion { rows.put(row, .suspect(suspicion)) } else { view.mustRead() }
    }

    private mutating func keep(
        _ row: DueRow, _ result: RowResult, _ refusals: Int, _ suspicion: Suspicion?, _ error: String, now: Moment,
        random: EngineRandom
    ) {
        // Nothing is lost with it: the row stays due in any case.
        if result.change == .deferred {
            leave(row.id)
            return stayDue(row, suspicion)
        }
        if case .backoff(let delay) = result.change, refusals > 1 {
            leave(row.id)
            return stayDue(row, putOff(suspicion, for: delay, now: now, random: random))
        }
        if isDraining, refusals > 1 {
            commands.append(.log(.writeAbandoned(row, error: error)))
            return leave(row.id)
        }
        var result = result
        result.refusal = error
        // The first time at once: apart from the others it may succeed.
        let pause = refusals > 1 ? Self.rewriting.delay(attempts: refusals - 2, random: random.next()) : .zero
        rows.put(row, .unwritten(result, refusals: refusals, nextTry: now + pause, suspicion: suspicion))
        if rows.unwritten == Self.unwrittenLimit { commands.append(.log(.databaseIsFull(rows.unwritten))) }
    }

    /// No answer is lost with a backoff that cannot be written: the row is put off here.
    private func putOff(
        _ earlier: Suspicion?, for delay: Duration, now: Moment, random: EngineRandom
    ) -> Suspicion {
        let strikes = (earlier.flatMap { $0.reason == .unwritten ? $0.strikes : nil } ?? 0) + 1
        // As if the database had counted the attempts, and some more.
        let wait = settings.patience.backoff.delay(attempts: strikes + 3, random: random.next())
        return Suspicion(
            reason: .unwritten, strikes: strikes, failedAt: now, notBefore: now + max(delay, wait), isProven: true)
    }

    /// Tries results again whose pause is over.
    mutating func writeAgain(now: Moment) {
        guard rows.unwritten > 0 else { return }
        let refused = rows.refused
        // While draining none waits for its pause: each is tried once more.
        // Those that are almost ready go with those that are: one transaction instead of many.
        let isAnyReady = isDraining || refused.contains { $0.nextTry <= now }
        let ready = refused.filter { isDraining || isAnyReady && $0.nextTry <= now + Self.rewriting.base }
            .sorted { ($0.nextTry, $0.row.id) < ($1.nextTry, $1.row.id) }
        let room = max(Self.rewritesAtOnce - rows.rewriting, 0)
        for entry in ready.prefix(room) {
            rows.put(entry.row, .writing(entry.result, refusals: entry.refusals, suspicion: entry.suspicion))
            commands.append(.write(entry.result, isApart: true))
        }
        lookAgain(at: refused.map(\.nextTry).filter { $0 > now }.min(), now: now)
    }
}
