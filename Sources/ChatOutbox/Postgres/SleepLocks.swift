import LibPQ

/// The locks by which a session tells producers whether they have to notify.
///
/// Businesses share keys, and so may sessions: on each key one session sleeps, and producers notify for all. The others
/// hold an interest, another lock, and are told when the sleeper is awake: their ``Sleep`` is `covered`.
///
/// Each call is carried out as a whole before the next one begins.
actor SleepLocks {
    /// What the session holds for a business. A lock counts how often it was taken, so that two businesses of a session may
    /// share a key.
    private enum Held {
        /// The key, exclusively.
        case sleep(key: Int64)
        /// The interest in it.
        case interest(key: Int64)
    }

    /// Before the key in a notification that somebody sleeps on it no more. A producer's is a business's number alone.
    private static let wakeMark: Character = "/"
    /// Before the id of a business that is not to be held any longer: see operator_end_hold.sql.
    private static let holdMark = Character("!")

    private let connection: PostgresConnection
    private var held: [Int64: Held] = [:]
    private var isBusy = false
    private var queue: [CheckedContinuation<Void, Never>] = []

    init(connection: PostgresConnection) {
        self.connection = connection
    }

    func fallAsleep(_ businessID: Int64) async throws(PostgresError) -> Sleep {
        await takeTurn()
        defer { passTurn() }
        if case .sleep = held[businessID] { return .asleep }
        let answer = try await connection.query(
            PostgresStatement(SQLText.fallAsleep, [.int64(businessID)], isPrepared: true))[0]
        let key = try answer.decode("key", as: Int64.self)
        if try answer.decode("is_asleep", as: Bool.self) {
            try await sleep(businessID, on: key)
            return .asleep
        }
        // The interest before the second try: should the other wake up in between, we get the key or are told.
        if held[businessID] == nil {
            _ = try await connection.query(PostgresStatement(SQLText.takeInterest, [.int64(key)], isPrepared: true))
            held[businessID] = .interest(key: key)
        }
        let second = PostgresStatement(SQLText.fallAsleepOrAsk, [.int64(key)], isPrepared: true)
        switch try await connection.query(second)[0].decode("answer", as: String.self) {
        case "asleep":
            try await sleep(businessID, on: key)
            return .asleep
        case "producers":
            try await dropInterest(of: businessID)
            return .producersAreOpen
        default: return .covered
        }
    }

    /// Whatever is held for the business is let go of.
    func wakeUp(_ businessID: Int64) async throws(PostgresError) {
        await takeTurn()
        defer { passTurn() }
        switch held.removeValue(forKey: businessID) {
        case .sleep(let key): try await letGo(of: [key])
        case .interest(let key): try await dropInterest(in: key)
        case nil: break
        }
    }

    /// Wakes up from every sleep, before the session ends. It does not wait for its turn, which may never come.
    func wakeAll(within limit: Duration) async throws(PostgresError) {
        let keys = held.values.compactMap { lock in
            if case .sleep(let key) = lock { key } else { nil }
        }
        held = [:]
        if !keys.isEmpty { try await letGo(of: keys, within: limit) }
    }

    /// Which of these businesses nobody covers any more.
    func endedCovers(among businessIDs: [Int64]) async throws(PostgresError) -> Set<Int64> {
        await takeTurn()
        defer { passTurn() }
        var covered: [Int64: [Int64]] = [:]
        for businessID in businessIDs {
            if case .interest(let key) = held[businessID] { covered[key, default: []].append(businessID) }
        }
        guard !covered.isEmpty else { return [] }
        let statement = PostgresStatement(SQLText.endedCovers, [.int64Array(Array(covered.keys))], isPrepared: true)
        var ended: Set<Int64> = []
        for row in try await connection.query(statement) {
            ended.formUnion(covered[try row.decode("key", as: Int64.self)] ?? [])
        }
        return ended
    }

    /// What a notification on the channel means to this session.
    func signals(of payload: String) -> [OutboxSignal] {
        if let businessID = Int64(payload) { return [.changed(businessID: businessID)] }
        if payload.first == Self.holdMark, let businessID = Int64(payload.dropFirst()) {
            return [.holdEnded(businessID: businessID)]
        }
        guard payload.first == Self.wakeMark, let woken = Int64(payload.dropFirst()) else { return [] }
        return held.compactMap { businessID, lock in
            if case .interest(woken) = lock { .coverEnded(businessID: businessID) } else { nil }
        }
    }

    // MARK: Locks

    private func sleep(_ businessID: Int64, on key: Int64) async throws(PostgresError) {
        let before = held.updateValue(.sleep(key: key), forKey: businessID)
        if case .interest = before { try await dropInterest(in: key) }
    }

    private func dropInterest(of businessID: Int64) async throws(PostgresError) {
        if case .interest(let key) = held.removeValue(forKey: businessID) { try await dropInterest(in: key) }
    }

    private func dropInterest(in key: Int64) async throws(PostgresError) {
        _ = try await connection.query(PostgresStatement(SQLText.dropInterest, [.int64(key)], isPrepared: true))
    }

    /// Where it fails, a lock may stay behind: then producers, or others who wake up, notify without need.
    private func letGo(of keys: [Int64], within limit: Duration? = nil) async throws(PostgresError) {
        let isOurs = held.values.contains { lock in
            if case .interest(let key) = lock { keys.contains(key) } else { false }
        }
        let statements = [
            PostgresStatement(SQLText.wakeUp, [.int64Array(keys)], isPrepared: true),
            PostgresStatement(SQLText.tellInterested, [.int64Array(keys), .bool(isOurs)], isPrepared: true),
        ]
        _ = try await connection.pipeline(statements, timeout: limit)
    }

    // MARK: Turns

    private func takeTurn() async {
        if isBusy { await withCheckedContinuation { queue.append($0) } } else { isBusy = true }
    }

    private func passTurn() {
        if queue.isEmpty { isBusy = false } else { queue.removeFirst().resume() }
    }
}
