import LibPQ

/// A few connections beside the session, for statements that wait.
actor WatchConnections {
    /// So many at most.
    static let limit = 8
    /// Where all of them wait already.
    private static let pauseIfNoneIsFree = Duration.milliseconds(50)

    private let connect: @Sendable () async throws(PostgresError) -> PostgresConnection
    private var idle: [PostgresConnection] = []
    private var busy = 0

    init(connect: @escaping @Sendable () async throws(PostgresError) -> PostgresConnection) {
        self.connect = connect
    }

    /// Waits until `lock` is there or `limit` has passed, and lets go of it at once. Where no connection is free it just
    /// returns after a moment.
    func wait(for lock: PostgresStatement, atMost limit: Duration) async throws(OutboxError) {
        let milliseconds = max(1, limit.wholeMilliseconds)
        let bound = PostgresStatement(
            "SELECT set_config('lock_timeout', $1::bigint::text, true)", [.int64(milliseconds)])
        do {
            _ = try await answer(to: [bound, lock], timeout: limit + PostgresOutbox.answerTimeout)
        } catch {
            switch error.kind {
            case .server where error.sqlState == .lockNotAvailable: return
            case .cancelled: return
            default: throw OutboxError(error)
            }
        }
    }

    /// Runs statements in one transaction.
    ///
    /// - Returns: what the last one gave.
    func run(_ statements: [PostgresStatement]) async throws(OutboxError) -> PostgresRows {
        let answers: [PostgresRows]?
        do {
            answers = try await answer(to: statements, timeout: PostgresOutbox.answerTimeout)
        } catch {
            throw OutboxError(error)
        }
        guard let rows = answers?.last else { throw .unavailable("all connections wait for others already") }
        return rows
    }

    func close() async {
        let connections = idle
        idle = []
        for connection in connections { await connection.close() }
    }

    /// `nil` where no connection is free.
    private func answer(
        to statements: [PostgresStatement], timeout: Duration
    ) async throws(PostgresError) -> [PostgresRows]? {
        guard busy < Self.limit else {
            try? await ContinuousClock().sleep(for: Self.pauseIfNoneIsFree)
            return nil
        }
        busy += 1
        defer { busy -= 1 }
        // One that idled may have been closed by the server meanwhile: then a new one is asked.
        if let used = idle.popLast() {
            do {
                return try await answer(to: statements, by: used, timeout: timeout)
            } catch {
                guard error.isConnectionLost else { throw error }
            }
        }
        return try await answer(to: statements, by: try await connect(), timeout: timeout)
    }

    private func answer(
        to statements: [PostgresStatement], by connection: PostgresConnection, timeout: Duration
    ) async throws(PostgresError) -> [PostgresRows] {
        do {
            let rows = try await connection.pipeline(statements, timeout: timeout)
            idle.append(connection)
            return rows
        } catch {
            if error.isConnectionLost { await connection.close() } else { idle.append(connection) }
            throw error
        }
    }
}
