import ChatOutbox
import MarketAPI

@testable import ChatSync

// The database of the world: what it answers, loses and tells.
extension World {
    func answer(_ command: MachineCommand, _ session: Int) {
        func reply(_ event: MachineEvent) { push(.machine(event, session: session, process: process), at: now + 0.001) }
        if random.chance(plan.statementFailures) { return reply(.askFailed) }
        switch command {
        case .read(let read): reply(.read(look(read)))
        case .fallAsleep(let read):
            isAsleep = true
            reply(.fellAsleep(look(read), .asleep))
        case .sample(let type, let excluded, let limit):
            let free = due(type).filter { !excluded.contains($0.id) }
            reply(.sampled(sample(free, limit).map { $0.dueRow(now: now) }))
        default: break
        }
    }

    /// In the order in which rows are sent.
    func due(_ type: String?) -> [WorldRow] {
        pending.map { rows[$0] }.filter { $0.dueAt <= now && (type == nil || $0.kind.rawValue == type) }
            .sorted { (-$0.priority, $0.dueAt, $0.id) < (-$1.priority, $1.dueAt, $1.id) }
    }

    private func look(_ read: DueRead) -> DueRows {
        let ordered = due(read.contextType).filter { row in
            guard let mark = read.watermark, row.priority == mark.priority else {
                return read.watermark.map { row.priority < $0.priority } ?? true
                    || row.priority > read.watermark!.priority
            }
            return Int64(row.dueAt * 1_000_000) >= mark.dueAtMicroseconds
        }
        let next = pending.lazy.map { self.rows[$0].dueAt }.filter { $0 > self.now }.min()
        return DueRows(
            fresh: ordered.filter { $0.attempts == 0 }.prefix(read.limit).map { $0.dueRow(now: now) },
            repeats: read.watermark != nil
                ? []
                : ordered.prefix(200).filter { $0.attempts > 0 }.prefix(read.repeatLimit).map { $0.dueRow(now: now) },
            nextDueIn: next.map { .seconds($0 - now) })
    }

    /// The first, the last, and some between; those that were never tried before all others.
    private func sample(_ free: [WorldRow], _ limit: Int) -> [WorldRow] {
        let parts = [free.filter { $0.attempts == 0 }, free.filter { $0.attempts > 0 }]
        return Array(parts.flatMap(inTurn).prefix(limit))
    }

    private func inTurn(_ rows: [WorldRow]) -> [WorldRow] {
        guard rows.count > 2 else { return rows }
        return [rows[0], rows[rows.count - 1]] + rows.dropFirst().dropLast().shuffled(using: &random)
    }

    func write(_ result: RowResult) {
        guard let index = index(of: result.rowID) else { return }
        tell(.wrote(rowID: result.rowID, outcome(of: result, &rows[index])))
        rules.written(rows[index], self)
        requestRules.written(rows[index], self)
        if rows[index].state != .pending { pending.removeAll { $0 == index } }
    }

    private func outcome(of result: RowResult, _ row: inout WorldRow) -> RowOutcome {
        guard row.state == .pending else { return .notPending }
        if case .backoff = result.change, row.attempts != result.attempts { return .notPending }
        if case .unwritable(let until) = row.nature, now < until { return .refused(error: "P0001 no") }
        switch result.change {
        case .created: row.state = .created
        case .rejected: row.state = .rejected
        case .backoff(let delay):
            row.attempts += 1
            row.dueAt = now + delay / .seconds(1)
            if result.exchange?.httpStatus == 404 {
                row.firstNotFound = row.firstNotFound ?? now
                row.notFoundCount += 1
            }
        case .deferred: break
        }
        return .written
    }

    func loseSession() {
        guard session != nil else { return }
        session = nil
        isAsleep = false
        if random.chance(plan.crashShare) {
            process += 1
            timerNumber += 1
            machine = BusinessMachine(plan.settings)
            hostCircuit = HostCircuit()
            for index in rows.indices { rows[index].isAnswered = false }
        } else {
            tell(.lost)
        }
        push(.gainSession, at: now + random.seconds(0.02, 3))
    }

    func gainSession() {
        nextNumber += 1
        session = nextNumber
        settleElsewhere()
        var known = record
        let since = Duration.seconds(now - recordedAt)
        if let hold = known.hold { known.hold?.endsIn = max(hold.endsIn - since, .zero) }
        if let quota = known.quota { known.quota?.resetsIn = max(quota.resetsIn - since, .zero) }
        known.age = since
        tell(.owned(known))
        if plan.sessionLife < 1e9 { push(.loseSession, at: now + random.seconds(1, plan.sessionLife)) }
    }

    /// Another session may have owned the business meanwhile.
    func settleElsewhere() {
        guard now > 1, random.chance(0.3) else { return }
        for index in pending where rows[index].dueAt <= now && random.chance(0.3) {
            rows[index].state = .created
            rows[index].isSettledElsewhere = true
        }
        pending.removeAll { rows[$0].state != .pending }
    }

    func poll() {
        if session != nil {
            let due = due(nil)
            tell(.polled(BusinessPoll(businessID: plan.settings.businessID, due: due.count)))
        }
        // Seldom, so that it is nobody's rescue.
        push(.poll, at: now + 600)
    }
}
