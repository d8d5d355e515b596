import Harness
import LibPQ
import PrivatePostgres
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// How connections come about and end.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct LifeTests {
    private let slow = PostgresStatement("SELECT pg_sleep(30)")

    @Test func notificationsComeWhileIdleAndInBetween() async throws {
        let listener = try await connect()
        let sender = try await connect()
        _ = try await listener.query(PostgresStatement("LISTEN life_test"))
        _ = try await sender.query(PostgresStatement("SELECT pg_notify('life_test', 'idle')"))
        var heard = listener.notifications.makeAsyncIterator()
        #expect(await heard.next()?.payload == "idle")
        _ = try await listener.pipeline([
            PostgresStatement("SELECT pg_notify('life_test', 'own')"), PostgresStatement("SELECT 1"),
        ])
        let own = await heard.next()
        #expect(own?.payload == "own" && own?.backendPID == listener.backendPID && own?.channel == "life_test")
        await listener.close()
        #expect(await heard.next() == nil)
        await sender.close()
    }

    @Test func aTerminatedIdleSessionIsNoticedAtOnce() async throws {
        let victim = try await connect()
        let other = try await connect()
        _ = try await other.query(PostgresStatement("SELECT pg_terminate_backend($1)", [.int32(victim.backendPID)]))
        for await _ in victim.notifications {}
        let error = await failure { () async throws(PostgresError) in
            try await victim.query(PostgresStatement("SELECT 1"))
        }
        #expect(error?.kind == .connectionLost)
        #expect(error?.isConnectionLost == true)
        await victim.close()
        await other.close()
    }

    @Test func aTerminatedBusySessionFailsAllItsRequests() async throws {
        let victim = try await connect()
        let other = try await connect()
        async let first = failure { () async throws(PostgresError) in try await victim.query(slow) }
        async let second = failure { () async throws(PostgresError) in try await victim.query(slow) }
        try await waitUntilBusy(victim, seenBy: other)
        _ = try await other.query(PostgresStatement("SELECT pg_terminate_backend($1)", [.int32(victim.backendPID)]))
        #expect(await first?.isConnectionLost == true)
        #expect(await second?.isConnectionLost == true)
        await other.close()
    }

    @Test func closingFailsWhatIsNotAnswered() async throws {
        let connection = try await connect()
        let other = try await connect()
        async let request = failure { () async throws(PostgresError) in try await connection.query(slow) }
        try await waitUntilBusy(connection, seenBy: other)
        await connection.close()
        await connection.close()
        #expect(await request?.kind == .connectionLost)
        await other.close()
    }

    @Test func aRequestPastItsDeadlineEndsTheConnection() async throws {
        let connection = try await connect()
        let error = await failure { () async throws(PostgresError) in
            try await connection.query(slow, timeout: .milliseconds(100))
        }
        #expect(error?.kind == .queryTimedOut)
        #expect(error?.isConnectionLost == true)
    }

    @Test func anEarlierDeadlineBehindALaterOneHolds() async throws {
        let connection = try await connect()
        _ = try await connection.query(PostgresStatement("SELECT 1"), timeout: .seconds(3600))
        async let patient = failure { () async throws(PostgresError) in
            try await connection.query(PostgresStatement("SELECT pg_sleep(5)"), timeout: .seconds(3600))
        }
        let error = await failure { () async throws(PostgresError) in
            try await connection.query(PostgresStatement("SELECT pg_sleep(5)"), timeout: .milliseconds(200))
        }
        #expect(error?.kind == .queryTimedOut)
        #expect(await patient?.isConnectionLost == true)
    }

    @Test func aDeadlineThatPassedLeavesTheNextOnesInPlace() async throws {
        let connection = try await connect()
        for timeout in [300, 100, 200] {
            _ = try await connection.query(PostgresStatement("SELECT 1"), timeout: .milliseconds(timeout))
        }
        // Longer than the first three: they were answered.
        _ = try await connection.query(PostgresStatement("SELECT pg_sleep(0.5)"))
        let error = await failure { () async throws(PostgresError) in
            try await connection.query(PostgresStatement("SELECT pg_sleep(5)"), timeout: .milliseconds(200))
        }
        #expect(error?.kind == .queryTimedOut)
    }

    @Test func aCancelledTaskStopsItsStatementAtTheServer() async throws {
        let connection = try await connect()
        let other = try await connect()
        let slow = slow
        let task = Task { await failure { () async throws(PostgresError) in try await connection.query(slow) } }
        try await waitUntilBusy(connection, seenBy: other)
        task.cancel()
        #expect(await task.value?.kind == .cancelled)
        // The connection is as good as new.
        _ = try await connection.query(PostgresStatement("SELECT 1"))
        await connection.close()
        await other.close()
    }

    @Test func aCancelledTaskDoesNotHarmItsNeighbours() async throws {
        let connection = try await connect()
        let other = try await connect()
        let first = Task {
            await failure { () async throws(PostgresError) in
                try await connection.query(PostgresStatement("SELECT pg_sleep(0.5)"))
            }
        }
        try await waitUntilBusy(connection, seenBy: other)
        async let second = connection.query(PostgresStatement("SELECT 2 AS n"))
        let third = Task {
            await failure { () async throws(PostgresError) in
                try await connection.query(PostgresStatement("SELECT 3 AS n"))
            }
        }
        third.cancel()
        #expect(await third.value?.kind == .cancelled)
        #expect(await first.value == nil)
        #expect(try await second[0].decode("n", as: Int.self) == 2)
        await connection.close()
        await other.close()
    }

    @Test func aServerThatNeverAnswersIsGivenUpInTime() async throws {
        let silentServer = SilentServer()
        defer { silentServer.stop() }
        let port = silentServer.port
        let error = await failure { () async throws(PostgresError) in
            try await PostgresConnection.connect(
                PostgresConfiguration(
                    connectionString: "host=127.0.0.1 port=\(port) user=x dbname=x",
                    connectTimeout: .milliseconds(200)))
        }
        #expect(error?.kind == .connectTimedOut)
    }

    @Test func aServerThatNeverAnswersTakesNoOthersTime() async throws {
        let silentServer = SilentServer()
        defer { silentServer.stop() }
        let port = silentServer.port
        let cluster = try await PrivatePostgres.shared()
        let silent = "127.0.0.1,127.0.0.1,\(cluster.socketDirectory)"
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(
                connectionString: "host=\(silent) port=\(port),\(port),\(cluster.port) user=postgres dbname=postgres",
                connectTimeout: .seconds(6)))
        _ = try await connection.query(PostgresStatement("SELECT 1"))
        await connection.close()
    }

    @Test func ofSeveralRefusalsEachIsTold() async throws {
        let cluster = try await PrivatePostgres.shared()
        let error = await failure { () async throws(PostgresError) in
            try await PostgresConnection.connect(
                PostgresConfiguration(
                    connectionString: "host=/nonexistent,\(cluster.socketDirectory) user=postgres dbname=nowhere"))
        }
        // A server that is away may come back, so it is that which counts.
        #expect(error?.sqlState == nil)
        #expect(error?.message.contains("/nonexistent") == true && error?.message.contains("nowhere") == true)
    }

    @Test func theNextHostIsTriedWhenTheFirstIsDead() async throws {
        let cluster = try await PrivatePostgres.shared()
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(
                connectionString: "host=/nonexistent,\(cluster.socketDirectory) port=\(cluster.port) user=postgres",
                defaults: [("target_session_attrs", "read-write")]))
        _ = try await connection.query(PostgresStatement("SELECT 1"))
        await connection.close()
    }

    @Test func refusalsNameTheirStateAndKeepThePasswordSecret() async throws {
        let cluster = try await PrivatePostgres.shared()
        let unknown = await failure { () async throws(PostgresError) in
            try await PostgresConnection.connect(
                PostgresConfiguration(connectionString: cluster.connectionString(database: "nowhere")))
        }
        #expect(unknown?.kind == .connectFailed)
        #expect(unknown?.sqlState == .invalidCatalogName, "\(String(describing: unknown))")
        for text in ["host=localhost password='s3cret", "postgresql://user:s3cret@[::1", "s3cret word = ="] {
            let flaw = await failure { () async throws(PostgresError) in
                try await PostgresConnection.connect(PostgresConfiguration(connectionString: text))
            }
            #expect(flaw?.kind == .misuse)
            #expect(flaw?.message.contains("s3cret") == false)
        }
    }

    @Test func connectionsLeaveNoDescriptorsBehind() async throws {
        // Other tests open and close beside this one, so the bound is wide: 200 leaks would show.
        for _ in 0..<200 {
            let connection = try await connect()
            _ = try await connection.query(PostgresStatement("SELECT 1"))
            await connection.close()
        }
        #expect(try await comesTrue { openDescriptors() < 200 })
    }

    @Test func aConnectionThatNobodyHoldsEndsByItself() async throws {
        let other = try await connect()
        var connection: PostgresConnection? = try await connect()
        let pid = try #require(connection?.backendPID)
        connection = nil
        #expect(
            try await comesTrue {
                try await other.query(
                    PostgresStatement("SELECT 1 FROM pg_stat_activity WHERE pid = $1", [.int32(pid)])
                ).isEmpty
            })
        await other.close()
    }

    @Test func everyCallEndsOnceWhateverHappens() async throws {
        let killer = try await connect()
        for round in 0..<20 {
            let connection = try await connect()
            await withTaskGroup { group in
                for number in 0..<30 {
                    group.addTask {
                        let task = Task {
                            await failure { () async throws(PostgresError) in
                                try await connection.query(
                                    PostgresStatement("SELECT pg_sleep($1 / 1000.0)", [.int32(Int32(number % 3))]))
                            }
                        }
                        if number % 7 == round % 7 { task.cancel() }
                        _ = await task.value
                    }
                }
                group.addTask {
                    _ = await failure { () async throws(PostgresError) in
                        try await killer.query(
                            PostgresStatement("SELECT pg_terminate_backend($1)", [.int32(connection.backendPID)]))
                    }
                }
            }
            await connection.close()
        }
        await killer.close()
    }

    private func waitUntilBusy(_ connection: PostgresConnection, seenBy other: PostgresConnection) async throws {
        let isBusy = try await comesTrue {
            try await !other.query(
                PostgresStatement(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%pg_sleep%'",
                    [.int32(connection.backendPID)])
            ).isEmpty
        }
        try #require(isBusy)
    }

    private func openDescriptors() -> Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return count
    }
}
