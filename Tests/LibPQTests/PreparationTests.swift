import Harness
import LibPQ
import TestSupport
import Testing

/// Statements that are prepared once: that a failure stays with the request that it is of.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct PreparationTests {
    private let failing = PostgresStatement("SELECT 1/0")

    /// A connection whose server is busy for a while, so that all that is sent meanwhile is sent without answers.
    private func busyConnection(
        _ proxy: Proxy
    ) async throws -> (connection: PostgresConnection, sleep: Task<PostgresRows, any Error>) {
        let connection = try await proxy.connect()
        let sleep = Task { try await connection.query(PostgresStatement("SELECT pg_sleep(1)")) }
        try #require(try await comesTrue { proxy.hasSeen("pg_sleep") })
        return (connection, sleep)
    }

    private func preparedCount(_ connection: PostgresConnection) async throws -> Int {
        let rows = try await connection.query(PostgresStatement("SELECT count(*) AS n FROM pg_prepared_statements"))
        return try rows[0].decode("n")
    }

    @Test func anAbortedPreparationFailsNoNeighbour() async throws {
        let proxy = try await Proxy()
        let (connection, sleep) = try await busyConnection(proxy)
        let shared = PostgresStatement("SELECT 7 AS n", isPrepared: true)
        let failing = failing
        let first = Task {
            await failure { () async throws(PostgresError) in try await connection.pipeline([failing, shared]) }
        }
        try #require(try await comesTrue { proxy.hasSeen("1/0") })
        let second = try await connection.query(shared)
        #expect(await first.value?.sqlState == "22012")
        #expect(try second[0].decode("n", as: Int.self) == 7)
        // From now on it is prepared.
        for _ in 0..<3 { _ = try await connection.query(shared) }
        #expect(try await preparedCount(connection) == 1)
        _ = try await sleep.value
        await connection.close()
        proxy.stop()
    }

    @Test func makingRoomForAStatementFailsNoNeighbour() async throws {
        let proxy = try await Proxy()
        let (connection, sleep) = try await busyConnection(proxy)
        let failing = failing
        let aborted = Task {
            await failure { () async throws(PostgresError) in
                try await connection.pipeline([failing, PostgresStatement("SELECT 7 AS n", isPrepared: true)])
            }
        }
        try #require(try await comesTrue { proxy.hasSeen("1/0") })
        try await withThrowingTaskGroup { group in
            for number in 0..<100 {
                group.addTask {
                    let rows = try await connection.query(PostgresStatement("SELECT \(number) AS n", isPrepared: true))
                    #expect(try rows[0].decode("n", as: Int.self) == number)
                }
            }
            try await group.waitForAll()
        }
        #expect(await aborted.value?.sqlState == "22012")
        _ = try await sleep.value
        await connection.close()
        proxy.stop()
    }

    @Test func failuresLeaveNoStatementsBehindAtTheServer() async throws {
        let connection = try await connect()
        for number in 0..<64 {
            _ = try await connection.query(PostgresStatement("SELECT \(number) AS n", isPrepared: true))
        }
        for number in 100..<120 {
            let error = await failure { () async throws(PostgresError) in
                try await connection.pipeline([failing, PostgresStatement("SELECT \(number) AS n", isPrepared: true)])
            }
            #expect(error?.sqlState == "22012")
            _ = try await connection.query(PostgresStatement("SELECT \(number) AS n", isPrepared: true))
        }
        #expect(try await preparedCount(connection) <= 64)
        await connection.close()
    }

    @Test func aStatementWhosePlanIsStaleLeavesTheServer() async throws {
        let connection = try await connect()
        _ = try await connection.query(PostgresStatement("CREATE TEMP TABLE t (x int8)"))
        let all = PostgresStatement("SELECT * FROM t", isPrepared: true)
        for number in 0..<3 {
            _ = try await connection.query(all)
            _ = try await connection.query(PostgresStatement("ALTER TABLE t ADD y\(number) int8"))
            let error = await failure { () async throws(PostgresError) in try await connection.query(all) }
            #expect(error?.sqlState == .featureNotSupported)
        }
        _ = try await connection.query(all)
        #expect(try await preparedCount(connection) == 1)
        await connection.close()
    }

    @Test func aStatementThatTheServerForgotIsPreparedAnew() async throws {
        let connection = try await connect()
        let statement = PostgresStatement("SELECT 1 AS n", isPrepared: true)
        _ = try await connection.query(statement)
        _ = try await connection.query(PostgresStatement("DISCARD ALL"))
        let error = await failure { () async throws(PostgresError) in try await connection.query(statement) }
        #expect(error?.sqlState == .invalidStatementName)
        _ = try await connection.query(statement)
        await connection.close()
    }
}
