import ChatOutbox
import ChatSync
import Harness
import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import MarketChatd

/// `CHATD_RETENTION`: old rows go in small batches, and again and again.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct RetentionTests {
    /// Passes at once what is slept, and writes it down.
    private final class SteppingClock: Clock {
        struct Instant: InstantProtocol {
            var offset: Duration

            func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
            func duration(to other: Instant) -> Duration { other.offset - offset }
            static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
        }

        private let state = Mutex((now: Duration.zero, slept: [Duration]()))
        /// So many sleeps pass; the next one lasts until it is cancelled.
        private let passing: Int

        init(passing: Int) {
            self.passing = passing
        }

        var now: Instant { Instant(offset: state.withLock { $0.now }) }
        var minimumResolution: Duration { .nanoseconds(1) }
        var slept: [Duration] { state.withLock { $0.slept } }

        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            let count = state.withLock { state in
                state.slept.append(deadline.offset - state.now)
                state.now = deadline.offset
                return state.slept.count
            }
            if count > passing { try await Task.sleep(for: .seconds(3600)) }
        }
    }

    /// Runs the service until it has slept so often, then stops it as the daemon does.
    ///
    /// - Returns: how long it slept each time, and what it said.
    private func run(
        _ database: TestDatabase, sleeps: Int, user: String? = nil
    ) async throws -> (slept: [Duration], lines: [String]) {
        let lines = Mutex<[String]>([])
        let logger = Logger(
            label: "test",
            output: LogOutput { record in
                let rows = record.fields.first { $0.key == "rows" }?.value ?? ""
                lines.withLock { $0.append("\(record.message) \(rows)") }
            }, level: .info)
        let clock = SteppingClock(passing: sleeps - 1)
        let outbox = PostgresOutbox(
            .init(
                connectionString: user.map { database.connectionString(user: $0) } ?? database.connectionString,
                pollInterval: .seconds(60), deletesSettledRows: true))
        let mayStart = Latch()
        let service = RetentionService(
            outbox: outbox, age: .seconds(86_400), mayStart: mayStart, logger: logger, clock: EngineClock(clock))
        let group = ServiceGroup(
            configuration: .init(
                services: [service],
                logger: Logger(label: "test", output: LogOutput { _ in }, level: .critical)))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            // Time for one that does not wait to show it.
            try await Task.sleep(for: .milliseconds(100))
            #expect(clock.slept.isEmpty, "it waits until it may start")
            mayStart.open()
            try await waitUntil("it has slept \(sleeps) times") { clock.slept.count == sleeps }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        await outbox.close()
        return (clock.slept, lines.withLock { $0 })
    }

    private func settle(_ ids: ClosedRange<Int>, daysAgo days: Int, in database: TestDatabase) async throws {
        try await database.run(
            """
            UPDATE market_chat.outbox SET state = 'rejected', created_at = created_at - interval '\(days) days',
                settled_at = now() - interval '\(days) days'
            WHERE context_id BETWEEN \(ids.lowerBound) AND \(ids.upperBound)
            """)
    }

    @Test func oldRowsGoInBatchesWithPausesAndTheNextRoundComesAfterThePeriod() async throws {
        let database = try await TestDatabase.make()
        let (batch, pause, period) = (RetentionService.batch, RetentionService.pause, RetentionService.period)
        try await database.insert(1...(2 * batch + 300))
        try await settle(1...(2 * batch + 100), daysAgo: 3, in: database)
        try await settle((2 * batch + 101)...(2 * batch + 200), daysAgo: 0, in: database)
        let (slept, lines) = try await run(database, sleeps: 4)
        #expect(slept == [pause, pause, period, period])
        #expect(lines == ["Old rows deleted \(batch)", "Old rows deleted \(batch)", "Old rows deleted 100"])
        #expect(try await database.number("SELECT count(*) FROM market_chat.outbox") == 200)
        #expect(try await database.number("SELECT min(context_id) FROM market_chat.outbox") == 2 * batch + 101)
    }

    @Test func whatCannotBeDeletedIsWarnedOfAndTriedAgainAfterThePeriod() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...3)
        try await settle(1...3, daysAgo: 3, in: database)
        let reader = "reader_\(database.name)"
        try await database.run(
            """
            CREATE ROLE \(reader) LOGIN;
            GRANT USAGE ON SCHEMA market_chat TO \(reader);
            GRANT SELECT ON ALL TABLES IN SCHEMA market_chat TO \(reader);
            """)
        let (slept, lines) = try await run(database, sleeps: 2, user: reader)
        #expect(slept == [RetentionService.period, RetentionService.period])
        let warning = "Old rows cannot be deleted now; tried again later "
        #expect(lines == [warning, warning])
        #expect(try await database.count("rejected") == 3)
    }
}
