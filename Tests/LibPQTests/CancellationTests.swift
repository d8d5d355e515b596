import Harness
import LibPQ
import TestSupport
import Testing

/// What a cancelled caller gets, and that nobody else feels it.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct CancellationTests {
    private let slow = PostgresStatement("SELECT pg_sleep(30)")

    private func start(
        _ statement: PostgresStatement, on connection: PostgresConnection, timeout: Duration? = nil
    ) -> Task<PostgresError?, Never> {
        Task {
            await failure { () async throws(PostgresError) in try await connection.query(statement, timeout: timeout) }
        }
    }

    @Test func aCancelledTaskIsAnsweredAtOnceAndItsSuccessorIsNotHit() async throws {
        let proxy = try await Proxy()
        let other = try await connect()
        let connection = try await proxy.connect()
        let first = start(PostgresStatement("SELECT pg_sleep(0.5)"), on: connection)
        try #require(try await comesTrue { proxy.hasSeen("pg_sleep(0.5)") })
        first.cancel()
        #expect(await first.value?.kind == .cancelled)
        let second = start(PostgresStatement("SELECT pg_sleep(0.7)"), on: connection)
        try #require(try await comesTrue { proxy.cancelCount == 1 })
        // The statement ends before the cancellation arrives.
        let isDone = try await comesTrue {
            try await !other.query(
                PostgresStatement(
                    """
                    SELECT 1 FROM pg_stat_activity
                    WHERE pid = $1 AND (query LIKE '%(0.5)%' AND state = 'idle' OR query LIKE '%(0.7)%')
                    """, [.int32(connection.backendPID)])
            ).isEmpty
        }
        try #require(isDone)
        proxy.releaseCancels()
        #expect(await second.value == nil)
        await connection.close()
        await other.close()
        proxy.stop()
    }

    @Test func anAnswerThatNeverComesCostsTheConnectionAtTheDeadlineOfItsRequest() async throws {
        let proxy = try await Proxy()
        let connection = try await proxy.connect()
        let first = start(slow, on: connection, timeout: .seconds(2))
        try #require(try await comesTrue { proxy.hasSeen("pg_sleep(30)") })
        first.cancel()
        #expect(await first.value?.kind == .cancelled)
        let second = start(PostgresStatement("SELECT 1"), on: connection)
        #expect(await second.value?.kind == .queryTimedOut)
        proxy.stop()
    }

    @Test func whatIsCancelledTogetherIsStoppedTogether() async throws {
        let proxy = try await Proxy()
        proxy.releaseCancels()
        let connection = try await proxy.connect()
        let both = ["first", "second"].map { name in
            start(PostgresStatement("SELECT pg_sleep(30) AS \(name)_sleep"), on: connection)
        }
        try #require(try await comesTrue { proxy.hasSeen("first_sleep") && proxy.hasSeen("second_sleep") })
        for task in both { task.cancel() }
        for task in both { #expect(await task.value?.kind == .cancelled) }
        // Sooner than they would have ended by themselves.
        _ = try await connection.query(PostgresStatement("SELECT 1"))
        await connection.close()
        proxy.stop()
    }

    @Test func aCancellationThatOvertakesItsStatementIsRepeated() async throws {
        let proxy = try await Proxy()
        proxy.releaseCancels()
        let connection = try await proxy.connect()
        proxy.holdStatements()
        let task = start(slow, on: connection)
        try #require(try await comesTrue { proxy.hasSeen("pg_sleep(30)") })
        task.cancel()
        #expect(await task.value?.kind == .cancelled)
        try #require(try await comesTrue { proxy.arrivedCancelCount == 1 })
        proxy.releaseStatements()
        // Sooner than it would have ended by itself.
        _ = try await connection.query(PostgresStatement("SELECT 1"))
        await connection.close()
        proxy.stop()
    }

    @Test func cancellationsThatHangHoldUpNothingElse() async throws {
        let proxy = try await Proxy()
        let start = ContinuousClock.now
        var connections: [PostgresConnection] = []
        for number in 1...20 {
            let connection = try await proxy.connect()
            let slow = PostgresStatement("SELECT pg_sleep(30) AS round_\(number)_")
            let task = self.start(slow, on: connection)
            try #require(try await comesTrue { proxy.hasSeen("round_\(number)_") })
            task.cancel()
            #expect(await task.value?.kind == .cancelled)
            connections.append(connection)
        }
        try #require(try await comesTrue { proxy.cancelCount == 20 })
        for connection in connections { await connection.close() }
        let other = try await connect()
        _ = try await other.query(PostgresStatement("SELECT 1"))
        // Were threads that others need too blocked, each cancellation would cost about a second.
        #expect(ContinuousClock.now - start < .seconds(12))
        await other.close()
        proxy.stop()
    }
}
