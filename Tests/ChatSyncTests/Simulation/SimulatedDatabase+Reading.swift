import ChatOutbox

// What the statements of reading do.
extension SimulatedDatabase {
    /// Tried rows are looked for among so many at the front.
    private static let front = 200

    func dueRows(of businessID: Int64, _ read: DueRead) -> DueRows {
        let now = now
        return transaction { state in
            let pending = state.rows.values.filter { $0.businessID == businessID && $0.state == "pending" }
            let due = ordered(pending.filter { $0.dueAt <= now })
            let wanted = due.filter { read.contextType == nil || $0.contextType == read.contextType }
            let fresh = wanted.filter { row in
                guard row.attempts == 0 else { return false }
                guard let watermark = read.watermark, row.priority >= watermark.priority else { return true }
                return row.priority == watermark.priority && microseconds(row.dueAt) >= watermark.dueAtMicroseconds
            }
            let repeats = read.watermark == nil ? wanted.prefix(Self.front).filter { $0.attempts > 0 } : []
            let next = read.watermark == nil ? pending.map(\.dueAt).filter { $0 > now }.min() : nil
            return DueRows(
                fresh: fresh.prefix(read.limit).map { dueRow($0, now) },
                repeats: repeats.prefix(read.repeatLimit).map { dueRow($0, now) },
                nextDueIn: next.map { $0 - now }, isPaused: state.records[businessID]?.isPaused ?? false)
        }
    }

    private func ordered(_ rows: [Row]) -> [Row] {
        rows.sorted { (-Int($0.priority), $0.dueAt, $0.id) < (-Int($1.priority), $1.dueAt, $1.id) }
    }

    private func dueRow(_ row: Row, _ now: Duration) -> DueRow {
        DueRow(
            id: row.id, contextType: row.contextType, contextID: row.contextID, priority: row.priority,
            attempts: row.attempts, notFoundFor: row.firstNotFound.map { now - $0 }, notFoundCount: row.notFoundCount,
            dueAtMicroseconds: microseconds(row.dueAt))
    }

    private func microseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
    }

    /// The first, the last, and some between, of both types in turn.
    func sampleDue(of businessID: Int64, contextType: String?, excluding: [Int64], limit: Int) -> [DueRow] {
        let now = now
        let excluded = Set(excluding)
        return transaction { state in
            state.occurrences[.sample, default: 0] += 1
            let due = ordered(
                state.rows.values.filter {
                    $0.businessID == businessID && $0.state == "pending" && $0.dueAt <= now && !excluded.contains($0.id)
                })
            let types = contextType.map { [$0] } ?? ["ORDER", "RETURN"]
            var drawn = types.map { type in draw(due.filter { $0.contextType == type }, limit) }
            var sample: [Row] = []
            while sample.count < limit, drawn.contains(where: { !$0.isEmpty }) {
                for index in drawn.indices where !drawn[index].isEmpty { sample.append(drawn[index].removeFirst()) }
            }
            return sample.prefix(limit).map { dueRow($0, now) }
        }
    }

    private func draw(_ rows: [Row], _ limit: Int) -> [Row] {
        var left = rows
        var drawn: [Row] = []
        while drawn.count < limit, !left.isEmpty {
            let place = [0, left.count - 1, random.below(left.count)][drawn.count % 3]
            drawn.append(left.remove(at: place))
        }
        return drawn
    }

    func poll(_ businessIDs: [Int64], session: Int) -> [BusinessPoll] {
        let now = now
        return transaction { state in
            businessIDs.map { id in
                let due = state.rows.values.filter { $0.businessID == id && $0.state == "pending" && $0.dueAt <= now }
                let coveredBy = state.sessions[session]?.covers[id]
                let coverHasEnded = coveredBy.map { state.sleepers[key(id)]?.session != $0 } ?? false
                if coverHasEnded { state.occurrences[.deadCover, default: 0] += 1 }
                return BusinessPoll(
                    businessID: id, due: min(due.count, 100), dueIsAtLeast: due.count > 100,
                    oldestDueFor: due.map(\.dueAt).min().map { now - $0 },
                    isPaused: state.records[id]?.isPaused ?? false,
                    coverHasEnded: coverHasEnded)
            }
        }
    }
}

// Sleep.
extension SimulatedDatabase {
    /// Only the lock: what is due is looked at afterwards.
    func fallAsleep(_ businessID: Int64, session: Int) -> Sleep {
        let key = key(businessID)
        return transaction { state in
            state.sessions[session]?.covers[businessID] = nil
            if let holder = state.sleepers[key]?.session, holder != session {
                state.sessions[session]?.covers[businessID] = holder
                state.occurrences[.coveredSleep, default: 0] += 1
                return .covered
            }
            if state.sleepers[key] == nil {
                if hasSilentProducers(key, state) {
                    state.occurrences[.blockedSleep, default: 0] += 1
                    return .producersAreOpen
                }
                state.sleepers[key] = (session, [])
            }
            if state.sleepers[key]?.businesses.subtracting([businessID]).isEmpty == false {
                state.occurrences[.sharedKey, default: 0] += 1
            }
            state.sleepers[key]?.businesses.insert(businessID)
            return .asleep
        }
    }

    /// Frees the key, where no other business of the session sleeps on it, and tells those whose cover it was.
    func wakeUp(_ businessID: Int64, session: Int) {
        let key = key(businessID)
        let covered = transaction { state -> [Int64] in
            guard state.sleepers[key]?.session == session else { return [] }
            state.sleepers[key]?.businesses.remove(businessID)
            guard state.sleepers[key]?.businesses.isEmpty == true else { return [] }
            state.sleepers[key] = nil
            let all = state.sessions.values.filter(\.isAlive)
                .flatMap { other in other.covers.filter { $0.value == session && self.key($0.key) == key }.map(\.key) }
            if !all.isEmpty { state.occurrences[.endedCover, default: 0] += 1 }
            return Set(all).sorted()
        }
        for id in covered { tell(.coverEnded(businessID: id)) }
    }
}
