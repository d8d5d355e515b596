import LibPQ

/// A few connections beside the session, for statements that wait or may take long.
///
/// Whoever finds none free waits for one, in the order of the calls and within its own limit. One that nobody needs is
/// closed after a while.
actor SideConnections {
    private static let longestQueue = Duration.seconds(1)

    private let limit: Int
    private let idleLimit: Duration
    private let connect: @Sendable () async throws(PostgresError) -> PostgresConnection
    /// The one that was used last is the last one.
    private var idle: [(connection: PostgresConnection, since: ContinuousClock.Instant)] = []
    private var reaping: Task<Void, Never>?
    private var busy = 0
    private var queue: [(id: Int, turn: CheckedContinuation<Bool, Never>)] = []
    private var nextID = 0
    private var isClosed = false

    /// - Parameters:
    ///   - limit: so many connections at most.
    ///   - idleLimit: how long an idle one is kept.
    init(
        limit: Int, idleLimit: Duration,
        connect: @escaping @Sendable () async throws(PostgresError) -> PostgresConnection
    ) {
        self.limit = limit
        self.idleLimit = idleLimit
        self.connect = connect
    }

    /// Waits by a script that ends when it got a lock, or after `lock_timeout`, without an error in either case. Where no
    /// connection is free for a second, it comes back then.
    ///
    /// - Parameter awaited: what the script reads as `market_chat.awaited`.
    func wait(by script: String, for awaited: Int64, atMost limit: Duration) async throws(OutboxError) {
        let deadline = ContinuousClock.now + limit
        // Who only waits for a turn is not in the lock's queue: the caller had better look for itself soon.
        guard await takeTurn(until: min(deadline, .now + Self.longestQueue)) else { return }
        defer { passTurn() }
        let milliseconds = max(1, (deadline - ContinuousClock.now).wholeMilliseconds)
        let settings = PostgresStatement(
            """
            SELECT set_config('lock_timeout', $1::bigint::text, true),
                set_config('market_chat.awaited', $2::bigint::text, true)
            """, [.int64(milliseconds), .int64(awaited)])
        do {
            _ = try await answers(
                to: [settings, PostgresStatement(script)], timeout: limit + PostgresOutbox.answerTimeout)
        } catch {
            if error.kind != .cancelled { throw OutboxError(running: error) }
        }
    }

    /// Runs a statement in a transaction of its own.
    func run(_ statement: PostgresStatement) async throws(OutboxError) -> PostgresRows {
        guard await takeTurn(until: .now + PostgresOutbox.answerTimeout) else {
            throw .failed("all connections wait for others")
        }
        defer { passTurn() }
        do {
            return try await transaction([statement])[0]
        } catch {
            throw OutboxError(running: error)
        }
    }

    /// Runs statements in one transaction; should the connection turn out to be lost, on another one once more. For whoever
    /// has a turn.
    func transaction(_ statements: [PostgresStatement]) async throws(PostgresError) -> [PostgresRows] {
        try await answers(to: statements, timeout: PostgresOutbox.answerTimeout)
    }

    func close() async {
        isClosed = true
        reaping?.cancel()
        let connections = idle
        idle = []
        for (connection, _) in connections { await connection.close() }
    }

    // MARK: Turns

    /// Returns false where none came in time, or the task was cancelled.
    func takeTurn(until deadline: ContinuousClock.Instant) async -> Bool {
        if busy < limit {
            busy += 1
            return true
        }
        nextID += 1
        let id = nextID
        return await withTaskGroup { group in
            group.addTask {
                // Ends early where the caller is cancelled.
                try? await Task.sleep(until: deadline, clock: .continuous)
                await self.leaveQueue(id)
            }
            defer { group.cancelAll() }
            return await withCheckedContinuation { queue.append((id, $0)) }
        }
    }

    private func leaveQueue(_ id: Int) {
        guard let index = queue.firstIndex(where: { $0.id == id }) else { return }
        queue.remove(at: index).turn.resume(returning: false)
    }

    func passTurn() {
        if queue.isEmpty { busy -= 1 } else { queue.removeFirst().turn.resume(returning: true) }
    }

    // MARK: Connections

    private func answers(
        to statements: [PostgresStatement], timeout: Duration
    ) async throws(PostgresError) -> [PostgresRows] {
        // One that idled may have been closed by the server meanwhile: then a new one is asked.
        if let used = idle.popLast() {
            do {
                return try await answers(to: statements, by: used.connection, timeout: timeout)
            } catch {
                guard error.isConnectionLost else { throw error }
            }
        }
        return try await answers(to: statements, by: try await connect(), timeout: timeout)
    }

    private func answers(
        to statements: [PostgresStatement], by connection: PostgresConnection, timeout: Duration
    ) async throws(PostgresError) -> [PostgresRows] {
        do {
            let rows = try await connection.pipeline(statements, timeout: timeout)
            await keep(connection)
            return rows
        } catch {
            if error.isConnectionLost { await connection.close() } else { await keep(connection) }
            throw error
        }
    }

    private func keep(_ connection: PostgresConnection) async {
        if isClosed { return await connection.close() }
        idle.append((connection, .now))
        if reaping == nil { reaping = Task { await closeIdle() } }
    }

    /// Until none is left.
    private func closeIdle() async {
        while let oldest = idle.first, !isClosed {
            try? await Task.sleep(until: oldest.since + idleLimit, clock: .continuous)
            while let first = idle.first, first.since + idleLimit <= .now {
                idle.removeFirst()
                await first.connection.close()
            }
        }
        reaping = nil
    }
}
