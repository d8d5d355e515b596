import LibPQ
import Synchronization

/// One connection that owns businesses by session-level advisory locks.
final class PostgresSession: OutboxSession {
    /// The poll counts so many due rows of each priority at most.
    static let countLimit: Int64 = 1000

    let connection: PostgresConnection
    private let facts: SessionCheck.Facts
    let signals: any AsyncSequence<OutboxSignal, Never> & Sendable
    /// Businesses whose asleep lock is held. A session's lock counts how often it was taken.
    private let asleep = Mutex<Set<Int64>>([])

    init(connection: PostgresConnection, facts: SessionCheck.Facts) {
        self.connection = connection
        self.facts = facts
        signals = connection.notifications.compactMap { notification in
            guard notification.channel == SessionCheck.channel else { return nil }
            return Int64(notification.payload).map { .changed(businessID: $0) }
        }
    }

    func claim(_ businessIDs: [Int64]) async throws(OutboxError) -> [BusinessRecord] {
        try await OutboxError.catching { () async throws(PostgresError) in
            let rows = try await connection.query(PostgresStatement(SQLText.claim, [.int64Array(businessIDs)]))
            return try rows.map { row throws(PostgresError) in try BusinessRecord(row) }
        }
    }

    func readDue(of businessID: Int64, limit: Int, after watermark: Watermark?) async throws(OutboxError) -> DueRows {
        try await OutboxError.catching { () async throws(PostgresError) in
            let statements = Self.look(at: businessID, limit: limit, after: watermark)
            return try DueRows(try await connection.pipeline(statements)[...])
        }
    }

    /// What is due later is asked before what is due now: a row that commits in between is seen at least once. With a
    /// watermark it is not asked: the next read from the beginning does.
    private static func look(at businessID: Int64, limit: Int, after watermark: Watermark?) -> [PostgresStatement] {
        [
            PostgresStatement(
                watermark == nil ? SQLText.outlook : SQLText.paused, [.int64(businessID)], isPrepared: true),
            PostgresStatement(
                SQLText.dueRows,
                [
                    .int64(businessID), .int64(Int64(limit)), .int16(watermark?.priority),
                    .timestamp(microsecondsSince2000: watermark?.dueAtMicroseconds),
                ], isPrepared: true),
        ]
    }

    func fallAsleep(_ businessID: Int64, limit: Int) async throws(OutboxError) -> (rows: DueRows, isAsleep: Bool) {
        let wasAsleep = asleep.withLock { $0.contains(businessID) }
        return try await OutboxError.catching { () async throws(PostgresError) in
            // The lock first: each statement sees what was committed before it began.
            let lock = PostgresStatement(
                "SELECT CASE WHEN $2 THEN true ELSE pg_try_advisory_lock(market_chat.asleep_key($1)) END AS is_asleep",
                [.int64(businessID), .bool(wasAsleep)], isPrepared: true)
            let answers = try await connection.pipeline(
                [lock] + Self.look(at: businessID, limit: limit, after: nil))
            let isAsleep = try answers[0][0].decode("is_asleep", as: Bool.self)
            if isAsleep { asleep.withLock { _ = $0.insert(businessID) } }
            return (try DueRows(answers[1...]), isAsleep)
        }
    }

    func wakeUp(_ businessID: Int64) async throws(OutboxError) {
        guard asleep.withLock({ $0.remove(businessID) }) != nil else { return }
        _ = try await OutboxError.catching { () async throws(PostgresError) in
            try await connection.query(
                PostgresStatement(
                    "SELECT pg_advisory_unlock(market_chat.asleep_key($1))", [.int64(businessID)], isPrepared: true))
        }
    }

    func poll(_ businessIDs: [Int64]) async throws(OutboxError) -> [BusinessPoll] {
        let polls = try await OutboxError.catching { () async throws(PostgresError) in
            let statement = PostgresStatement(
                SQLText.poll, [.int64Array(businessIDs), .int64(Self.countLimit)], isPrepared: true)
            return try await connection.query(statement).map { row throws(PostgresError) in
                (try BusinessPoll(row), try row.decode("backend_pid", as: Int32.self))
            }
        }
        // Another process: the locks are not ours any more.
        guard polls.allSatisfy({ $0.1 == facts.backendPID }) else { throw .transactionPooler }
        return polls.map(\.0)
    }

    func settle(
        _ results: [RowResult], remembering records: [BusinessRecord]
    ) async throws(OutboxError) -> [RowOutcome] {
        let settlement = Settlement(connection: connection, hasDeferredTriggers: facts.hasDeferredTriggers)
        return try await settlement.settle(results, remembering: records)
    }

    func close() async {
        await connection.close()
    }
}

// From rows to values.

extension BusinessRecord {
    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(businessID: try row.decode("business_id"), isPaused: try row.decode("paused"))
        if let reason = try row.decode("hold_reason", as: String?.self) {
            let rest = try row.decode("hold_microseconds", as: Int64?.self) ?? 0
            hold = Hold(reason: reason, endsIn: .microseconds(rest))
        }
        if let limit = try row.decode("quota_limit", as: Int?.self),
            let remaining = try row.decode("quota_remaining", as: Int?.self)
        {
            let rest = try row.decode("quota_microseconds", as: Int64?.self) ?? 0
            quota = Quota(limit: limit, remaining: remaining, resetsIn: .microseconds(rest))
        }
    }
}

extension DueRows {
    /// From what the two statements of a look gave.
    init(_ answers: ArraySlice<PostgresRows>) throws(PostgresError) {
        guard let outlook = answers.first?.first, let due = answers.last else {
            self.init(rows: [])
            return
        }
        self.init(
            rows: try due.map { row throws(PostgresError) in try DueRow(row) },
            nextDueIn: try outlook.decode("next_microseconds", as: Int64?.self).map { .microseconds($0) },
            isPaused: try outlook.decode("paused"))
    }
}

extension DueRow {
    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            id: try row.decode("id"), contextType: try row.decode("context_type"),
            contextID: try row.decode("context_id"), priority: try row.decode("priority"),
            attempts: try row.decode("attempts"),
            notFoundFor: try row.decode("not_found_microseconds", as: Int64?.self).map { .microseconds($0) },
            dueAtMicroseconds: try row.decode("due_at"))
    }
}

extension BusinessPoll {
    init(_ row: PostgresRow) throws(PostgresError) {
        let due = try row.decode("due", as: Int.self)
        self.init(
            businessID: try row.decode("business_id"), due: due, dueIsAtLeast: due >= Int(PostgresSession.countLimit),
            oldestDueFor: try row.decode("oldest_microseconds", as: Int64?.self).map { .microseconds($0) },
            isPaused: try row.decode("paused"))
    }
}
