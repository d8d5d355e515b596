import ChatOutbox
import Synchronization

// What the statements of writing do.
extension SimulatedDatabase {
    /// One transaction; where a row of a business cannot be written at once, none of that business is.
    func settle(_ results: [RowResult]) -> [RowOutcome] {
        let now = now
        return transaction { state in
            var refusals: [Int64: String] = [:]
            for result in results {
                guard let error = Self.refusal(of: result, isPatient: false, state, now: now) else { continue }
                refusals[result.businessID] = refusals[result.businessID] ?? error
            }
            return results.map { result in
                if let error = refusals[result.businessID] {
                    state.occurrences[.refusal, default: 0] += 1
                    return .refused(error: error)
                }
                return Self.write(result, &state, now: now)
            }
        }
    }

    /// One row by itself. What cannot be written leaves its error behind, where not even that is refused.
    func settleApart(_ result: RowResult) -> RowOutcome {
        let now = now
        return transaction { state in
            guard let error = Self.refusal(of: result, isPatient: true, state, now: now) else {
                state.occurrences[.rewrite, default: 0] += 1
                return Self.write(result, &state, now: now)
            }
            state.occurrences[.lateRefusal, default: 0] += 1
            if let row = state.rows[result.rowID], row.trigger == .refusesCreated, row.lockedUntil <= now {
                state.rows[result.rowID]?.lastError = error
            }
            return .refused(error: error)
        }
    }

    /// - Returns: the database's text; `nil` where the result can be written.
    private static func refusal(of result: RowResult, isPatient: Bool, _ state: State, now: Duration) -> String? {
        guard let row = state.rows[result.rowID], row.state == "pending" else { return nil }
        if row.lockedUntil > now { return "55P03 canceling statement due to lock timeout" }
        switch (row.trigger, result.change) {
        case (.none, _), (.refusesCreated, .rejected), (.refusesCreated, .backoff), (.refusesCreated, .deferred):
            return nil
        case (.isSlow, _): return isPatient ? nil : "57014 canceling statement due to statement timeout"
        case (.refusesCreated, .created): return "P0001 not created"
        case (.refusesEverything, _): return "P0001 never"
        }
    }

    private static func write(_ result: RowResult, _ state: inout State, now: Duration) -> RowOutcome {
        guard var row = state.rows[result.rowID], row.state == "pending" else { return .notPending }
        if row.businessID != result.businessID {
            state.violations.append("row \(row.id) was written as one of business \(result.businessID)")
        }
        if case .backoff = result.change, row.attempts != result.attempts { return .notPending }
        if result.exchange?.httpStatus == 404 {
            row.firstNotFound = row.firstNotFound ?? now
            row.notFoundCount += 1
        }
        switch result.change {
        case .created(let chatID):
            row.state = "created"
            row.chatID = chatID
            row.settlements += 1
            row.settledAt = now
        case .rejected:
            row.state = "rejected"
            row.settlements += 1
            row.settledAt = now
            if let status = result.exchange?.httpStatus, status != 400, status != 404 {
                state.violations.append("row \(row.id) was rejected for \(status)")
            }
        case .backoff(let delay):
            row.dueAt = now + delay
            row.attempts += 1
        case .deferred: break
        }
        row.lastError = result.exchange?.message
        if row.settlements > 1 { state.violations.append("row \(row.id) was settled \(row.settlements) times") }
        state.rows[row.id] = row
        state.journal.append("\(now) \(row.id) \(row.state) \(row.chatID ?? 0) \(row.attempts)")
        return .written
    }
}

// What is written of a business.
extension SimulatedDatabase {
    func claim(_ businessIDs: [Int64], session: Int) -> [BusinessRecord] {
        let now = now
        return transaction { state in
            businessIDs.compactMap { id in
                guard state.owners[id] == nil else { return nil }
                state.owners[id] = session
                var record = state.records[id] ?? BusinessRecord(businessID: id)
                record.hold?.endsIn = max((state.heldUntil[id] ?? now) - now, .zero)
                record.quota?.resetsIn = max((state.resetsAt[id] ?? now) - now, .zero)
                record.age = state.writtenAt[id].map { now - $0 }
                return record
            }
        }
    }

    func setPaused(_ businessID: Int64, _ isPaused: Bool) {
        let now = now
        state.withLock { state in
            state.records[businessID, default: BusinessRecord(businessID: businessID)].isPaused = isPaused
            state.pausedSince[businessID] = isPaused ? state.pausedSince[businessID] ?? now : nil
        }
        tell(.changed(businessID: businessID))
    }

    /// Why nothing may be sent for a business now, though it was known long enough.
    ///
    /// - Parameter grace: for what was on its way.
    func reasonNotToSend(_ businessID: Int64, grace: Duration) -> String? {
        let now = now
        return state.withLock { state in
            if let since = state.pausedSince[businessID], now - since > grace { return "paused" }
            guard let hold = state.records[businessID]?.hold, let until = state.holdEnds[businessID], until > now,
                // A window that is only reckoned to be used up is another matter: a failure gives a request back.
                let since = state.heldSince[businessID], now - since > grace, hold.reason.hasPrefix("quota: 420")
            else { return nil }
            return "\(hold.reason), since \(since) until \(until)"
        }
    }

    /// - Parameters:
    ///   - askedAt: when the writer asked for it: from then it counts the times that it hands over.
    ///   - begunAt: when the transaction began, which is what `now()` says in it.
    func remember(_ records: [BusinessRecord], session: Int, askedAt: Duration, begunAt: Duration) {
        transaction { state in
            for record in records {
                if state.owners[record.businessID] != session {
                    state.violations.append("a session wrote the record of business \(record.businessID), not its own")
                }
                var record = record
                record.isPaused = state.records[record.businessID]?.isPaused ?? false
                if record.hold?.reason != state.records[record.businessID]?.hold?.reason {
                    state.heldSince[record.businessID] = begunAt
                }
                state.heldUntil[record.businessID] = record.hold.map { begunAt + $0.endsIn }
                state.holdEnds[record.businessID] = record.hold.map { askedAt + $0.endsIn }
                state.resetsAt[record.businessID] = record.quota.map { begunAt + $0.resetsIn }
                state.writtenAt[record.businessID] = begunAt
                state.records[record.businessID] = record
            }
        }
    }
}
