import LibPQ

/// One connection that owns businesses by session-level advisory locks.
final class PostgresSession: OutboxSession {
    /// The poll counts so many due rows of each priority at most.
    static let countLimit: Int64 = 1000

    private static let farewell = Duration.milliseconds(500)

    let connection: PostgresConnection
    private let facts: SessionSetup.Facts
    let signals: any AsyncSequence<OutboxSignal, Never> & Sendable
    private let sleepLocks: SleepLocks
    private let settlement: SessionSettlement
    private let apart: ApartSettlement

    init(connection: PostgresConnection, facts: SessionSetup.Facts, writers: SideConnections) {
        self.connection = connection
        self.facts = facts
        let sleepLocks = SleepLocks(connection: connection)
        self.sleepLocks = sleepLocks
        settlement = SessionSettlement(connection: connection, hasDeferredTriggers: facts.hasDeferredTriggers)
        apart = ApartSettlement(writers: writers, hasDeferredTriggers: facts.hasDeferredTriggers)
        signals = connection.notifications.flatMap { notification in
            let isOurs = notification.channel == SessionSetup.channel
            let signals = isOurs ? await sleepLocks.signals(of: notification.payload) : []
            return AsyncStream { stream in
                for signal in signals { stream.yield(signal) }
                stream.finish()
            }
        }
    }

    var place: String { facts.place.description }

    func claim(_ businessIDs: [Int64]) async throws(OutboxError) -> [BusinessRecord] {
        try await OutboxError.running { () async throws(PostgresError) in
            let owned = try await connection.query(
                PostgresStatement(SQLText.own, [.int64Array(businessIDs)], isPrepared: true)
            )
            .map { row throws(PostgresError) in try row.decode("business_id", as: Int64.self) }
            if owned.isEmpty { return [] }
            do throws(PostgresError) {
                return try await connection.query(Self.records(of: owned))
                    .map { row throws(PostgresError) in try BusinessRecord(row) }
            } catch {
                // Nobody knows that they are ours, so another session had better have them.
                _ = try await connection.query(PostgresStatement(SQLText.disown, [.int64Array(owned)]))
                throw error
            }
        }
    }

    private static func records(of businessIDs: [Int64]) -> PostgresStatement {
        PostgresStatement(SQLText.records, [.int64Array(businessIDs)], isPrepared: true)
    }

    /// Lets the server parse and plan what stands between a vacancy and the first request, which takes many times as long
    /// as to carry it out. A standby has the time for it before.
    func warmUp() async throws(OutboxError) {
        // No business has this number.
        let nobody: Int64 = 0
        let statements =
            [Self.records(of: [])] + Self.look(at: nobody, DueRead(limit: 1, repeatLimit: 1)) + [Self.poll([])]
        do {
            _ = try await connection.pipeline(statements)
        } catch {
            // Somebody may have locked a table: whoever needs it will hear of that.
            guard error.isOfTheStatement else { throw OutboxError(error) }
        }
    }

    func readDue(of businessID: Int64, _ read: DueRead) async throws(OutboxError) -> DueRows {
        try await OutboxError.running { () async throws(PostgresError) in
            try DueRows(try await connection.pipeline(Self.look(at: businessID, read)))
        }
    }

    /// What is due later is asked before what is due now: a row that commits in between is seen at least once. With a
    /// watermark it is not asked: the next read from the beginning does.
    private static func look(at businessID: Int64, _ read: DueRead) -> [PostgresStatement] {
        let mark = read.watermark
        var statements = [
            PostgresStatement(mark == nil ? SQLText.outlook : SQLText.paused, [.int64(businessID)], isPrepared: true),
            PostgresStatement(
                SQLText.dueRows,
                [
                    .int64(businessID), .int64(Int64(read.limit)), .int16(mark?.priority),
                    .timestamp(microsecondsSince2000: mark?.dueAtMicroseconds), .text(read.contextType),
                ], isPrepared: true),
        ]
        if mark == nil, read.repeatLimit > 0 {
            statements.append(
                PostgresStatement(
                    SQLText.dueRepeats,
                    [.int64(businessID), .int64(Int64(read.repeatLimit)), .text(read.contextType)], isPrepared: true))
        }
        return statements
    }

    private static func poll(_ businessIDs: [Int64]) -> PostgresStatement {
        PostgresStatement(SQLText.poll, [.int64Array(businessIDs), .int64(countLimit)], isPrepared: true)
    }

    func sampleDue(
        of businessID: Int64, contextType: String?, excluding excluded: [Int64], limit: Int
    ) async throws(OutboxError) -> [DueRow] {
        try await OutboxError.running { () async throws(PostgresError) in
            let statement = PostgresStatement(
                SQLText.sampleRows,
                [.int64(businessID), .int64(Int64(limit)), .text(contextType), .int64Array(excluded)], isPrepared: true)
            return try await connection.query(statement).map { row throws(PostgresError) in try DueRow(row) }
        }
    }

    func fallAsleep(_ businessID: Int64, _ read: DueRead) async throws(OutboxError) -> (rows: DueRows, sleep: Sleep) {
        // The lock first: each statement sees what was committed before it began.
        let sleep = try await OutboxError.running { () async throws(PostgresError) in
            try await sleepLocks.fallAsleep(businessID)
        }
        var read = read
        read.watermark = nil
        return (try await readDue(of: businessID, read), sleep)
    }

    func wakeUp(_ businessID: Int64) async throws(OutboxError) {
        try await OutboxError.running { () async throws(PostgresError) in try await sleepLocks.wakeUp(businessID) }
    }

    func poll(_ businessIDs: [Int64]) async throws(OutboxError) -> [BusinessPoll] {
        let (polls, ended) = try await OutboxError.running { () async throws(PostgresError) in
            let polls = try await connection.query(Self.poll(businessIDs)).map { row throws(PostgresError) in
                (try BusinessPoll(row), try row.decode("backend_pid", as: Int32.self))
            }
            return (polls, try await sleepLocks.endedCovers(among: businessIDs))
        }
        // Another process: the locks are not ours any more.
        guard polls.allSatisfy({ $0.1 == facts.backendPID }) else { throw .transactionPooler(at: facts.place) }
        return polls.map { poll, _ in
            var poll = poll
            poll.coverHasEnded = ended.contains(poll.businessID)
            return poll
        }
    }

    func settle(
        _ results: [RowResult], remembering records: [BusinessRecord]
    ) async throws(OutboxError) -> [RowOutcome] {
        try await settlement.settle(results, remembering: records)
    }

    func settleApart(_ results: [RowResult]) async throws(OutboxError) -> [RowOutcome] {
        try await apart.settle(results)
    }

    func close() async {
        // The end of a session frees its locks too, but tells nobody whom its sleep covered.
        try? await sleepLocks.wakeAll(within: Self.farewell)
        await connection.close()
    }
}

// From rows to values.

extension BusinessRecord {
    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(businessID: try row.decode("business_id"), isPaused: try row.decode("paused"))
        hold = try row.decodeHold()
        quota = try row.decodeQuota()
        age = try row.decodeMicroseconds("age_microseconds")
    }
}

extension DueRows {
    /// From what the statements of a look gave: the outlook, the fresh rows, and the repeats where they were asked for.
    init(_ answers: [PostgresRows]) throws(PostgresError) {
        let outlook = answers[0][0]
        let rows = try answers.dropFirst().map { answer throws(PostgresError) in
            try answer.map { row throws(PostgresError) in try DueRow(row) }
        }
        self.init(
            fresh: rows[0], repeats: rows.count > 1 ? rows[1] : [],
            nextDueIn: try outlook.decodeMicroseconds("next_microseconds"),
            isPaused: try outlook.decode("paused"))
    }
}

extension DueRow {
    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            id: try row.decode("id"), contextType: try row.decode("context_type"),
            contextID: try row.decode("context_id"), priority: try row.decode("priority"),
            attempts: try row.decode("attempts"),
            notFoundFor: try row.decodeMicroseconds("not_found_microseconds"),
            notFoundCount: try row.decode("not_found_count"),
            dueAtMicroseconds: try row.decode("due_at"))
    }
}

extension BusinessPoll {
    init(_ row: PostgresRow) throws(PostgresError) {
        let due = try row.decode("due", as: Int.self)
        self.init(
            businessID: try row.decode("business_id"), due: due, dueIsAtLeast: due >= Int(PostgresSession.countLimit),
            oldestDueFor: try row.decodeMicroseconds("oldest_microseconds"),
            isPaused: try row.decode("paused"))
    }
}
