import Harness
import LibPQ
import MarketSandbox
import TestSupport
import Testing

/// No row that cannot be created, and none that cannot be written, holds back another; with the pauses of a seller who
/// sets none.
///
///     swift test --filter ProgressTests
///     CHATD_BENCHMARK=1 swift test --filter ProgressTests
///
/// The second one also runs those that take minutes by their nature, and prints a line for each.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct ProgressTests {
    @Test func thirtyOlderRowsThatAlwaysGet500HoldBackNoGoodRow() async throws {
        try await Crowd(orders: 1...90, bad: [SandboxBadRule(1...30, .status(500))])
            .expectGoodRows(within: .seconds(90))
    }

    @Test(.enabled(if: Benchmark.isOn)) func threeHundredOlderRowsThatAlwaysGet500HoldBackNoGoodRow() async throws {
        try await Crowd(orders: 1...360, bad: [SandboxBadRule(1...300, .status(500))])
            .expectGoodRows(within: .seconds(90))
    }

    @Test(arguments: [3, 10]) func someOlderRowsThatAlwaysGet403HoldBackNoGoodRow(bad: Int) async throws {
        try await Crowd(orders: 1...(bad + 60), bad: [SandboxBadRule(1...Int64(bad), .status(403))])
            .expectGoodRows(within: .seconds(90))
    }

    @Test(.enabled(if: Benchmark.isOn)) func thirtyOlderRowsThatAlwaysGet403HoldBackNoGoodRow() async throws {
        try await Crowd(orders: 1...90, bad: [SandboxBadRule(1...30, .status(403))])
            .expectGoodRows(within: .seconds(210))
    }

    @Test func twoRowsThatAlwaysSayRetryAfterHoldBackNoneOfTheirNeighbours() async throws {
        let bad = [20, 60].map { SandboxBadRule($0...$0, .status(503), retryAfterSeconds: 8) }
        try await Crowd(orders: 1...102, bad: bad).expectGoodRows(within: .seconds(90))
    }

    @Test func olderReturnsThatAlwaysGet503HoldBackNoOrder() async throws {
        let bad = SandboxBadRule(1...200, .status(503), type: .return)
        try await Crowd(orders: 201...260, returns: 1...200, bad: [bad]).expectGoodRows(within: .seconds(90))
    }

    @Test(arguments: Refusal.allCases)
    func aRowWhoseUpdatesATriggerRefusesIsAskedForOnceAndWrittenOnceItMayBe(refusal: Refusal) async throws {
        try await expectOneCall(refusal, refusedFor: .seconds(20))
    }

    @Test(.enabled(if: Benchmark.isOn), arguments: Refusal.allCases)
    func aRowThatATriggerRefusesForAMinuteIsAskedForOnceAndWrittenOnceItMayBe(refusal: Refusal) async throws {
        try await expectOneCall(refusal, refusedFor: .seconds(60))
    }

    /// By more than 100 ms, that is, than a daemon beside it delays them that has the same rows and no lock: under all the
    /// other tests, a row takes its time without any lock.
    @Test func aLockedRowDelaysNoOtherRowOfAnyBusinessAndIsAskedForOnce() async throws {
        let database = try await TestDatabase.make()
        async let withoutLock = Traffic.delaysWithoutLock()
        let delays = try await withSandbox { sandbox in
            let delays = try await withDaemon(Traffic.settings(database, sandbox)) { daemon in
                try await Traffic.begin(in: database)
                let lock = try await RowLock.onNewRow(of: database, context: 2)
                try await Traffic.insert(into: database)
                try await comesTrue(within: .seconds(5)) { try await Traffic.unsettled(in: database) == 0 }
                let unsettled = try await Traffic.unsettled(in: database)
                let delays = try await Traffic.delays(in: database)
                let figures =
                    "\(delays), \(unsettled) rows not settled; \(sandbox.requests(for: 2)) calls for the locked row"
                #expect(unsettled == 0, "\(figures)")
                #expect(sandbox.requests(for: 2) == 1, "\(figures)")
                #expect(try await database.number("SELECT count(*) FROM market_chat.outbox WHERE chat_id IS NULL") == 1)
                try await lock.release()
                let released = ContinuousClock.now
                let isCreated = try await comesTrue(within: patience) { try await database.count("pending") == 0 }
                let time = ContinuousClock.now - released
                let end = "\(time.tenthsOfSeconds) after the lock's end, \(sandbox.requests(for: 2)) calls for the row"
                if Benchmark.isOn { Benchmark.tell("a locked row", "\(figures); created \(end)") }
                #expect(isCreated, "it is not created \(end)")
                #expect(sandbox.requests(for: 2) == 1, "created \(end)")
                #expect(try await daemon.drain() == .exited(0))
                return delays
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 404)
            return delays
        }
        let usual = try await withoutLock
        // A figure, and so not for a machine that does other things too.
        guard Benchmark.isOn else { return }
        Benchmark.tell("without a lock", "\(usual)")
        #expect(delays.p99 < usual.p99 + .milliseconds(100), "\(delays) beside a locked row, \(usual) without one")
    }

    /// Which updates of a row a seller's trigger refuses.
    enum Refusal: String, CaseIterable, CustomTestStringConvertible {
        case every = "BEFORE UPDATE"
        case creation = "AFTER UPDATE"

        var testDescription: String { rawValue }

        /// Counts what it refuses: a sequence stays where it is when the transaction is undone.
        func script(row id: Int) -> String {
            """
            CREATE SEQUENCE public.refusals;
            GRANT ALL ON public.refusals TO public;
            CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM nextval('public.refusals');
                RAISE EXCEPTION 'order % has no shelf', NEW.context_id;
            END
            $$;
            CREATE TRIGGER refuse \(rawValue) ON market_chat.outbox FOR EACH ROW
            WHEN (NEW.id = \(id)\(self == .creation ? " AND NEW.state = 'created'" : "")) EXECUTE FUNCTION public.refuse();
            """
        }
    }

    /// Six rows, one of which is refused for `time`.
    private func expectOneCall(_ refusal: Refusal, refusedFor time: Duration) async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...6)
        let id = try await database.number("SELECT id FROM market_chat.outbox WHERE context_id = 3")
        try await database.run(refusal.script(row: id))
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox).withDefaultPauses) { daemon in
                try await waitUntil("its neighbours are created") { try await database.count("created") == 5 }
                let start = ContinuousClock.now
                try await waitUntil("the log tells the trigger's error") {
                    try daemon.log.lines().contains { line in
                        ["warning", "error"].contains(line.level)
                            && line.fields.values.contains { $0.contains("order 3 has no shelf") }
                    }
                }
                if refusal == .creation {
                    try await waitUntil("the row tells the trigger's error") {
                        try await database.text("SELECT last_error FROM market_chat.outbox WHERE id = \(id)")?
                            .contains("order 3 has no shelf") == true
                    }
                }
                // What is to be seen is that nothing happens.
                try await waitUntil("the row was refused for long enough", atMost: time + patience) {
                    ContinuousClock.now - start >= time
                }
                let refused = try await database.number("SELECT last_value FROM public.refusals")
                let calls = sandbox.requests(for: 3)
                let figures = "\(calls) calls for it, and \(refused) writes refused, within \(time)"
                #expect(calls == 1, "\(figures)")
                #expect(refused > 1, "the write was not repeated: \(figures)")
                try await database.run("DROP TRIGGER refuse ON market_chat.outbox")
                let dropped = ContinuousClock.now
                let isWritten = try await comesTrue(within: .seconds(5)) { try await database.count("pending") == 0 }
                let end =
                    "\((ContinuousClock.now - dropped).tenthsOfSeconds) after the trigger's end, "
                    + "\(sandbox.requests(for: 3)) calls for it by then"
                if Benchmark.isOn { Benchmark.tell("a refused row, \(refusal.rawValue)", "\(figures); written \(end)") }
                #expect(isWritten, "it is not written \(end); before: \(figures)")
                #expect(sandbox.requests(for: 3) == 1, "\(end)")
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }
}

/// A row that another transaction holds.
private struct RowLock {
    private let connection: PostgresConnection

    /// Inserts an order of business 11 and locks it before it is due.
    static func onNewRow(of database: TestDatabase, context id: Int) async throws -> RowLock {
        let connection = try await database.anotherConnection()
        try await connection.execute(
            script: """
                INSERT INTO market_chat.outbox (business_id, context_type, context_id, due_at)
                VALUES (11, 'ORDER', \(id), clock_timestamp() + interval '500 ms')
                """)
        try await connection.execute(
            script: "BEGIN; SELECT FROM market_chat.outbox WHERE business_id = 11 AND context_id = \(id) FOR UPDATE")
        return RowLock(connection: connection)
    }

    func release() async throws {
        try await connection.execute(script: "COMMIT")
        await connection.close()
    }
}

/// Rows of three businesses that come steadily, one by one.
private enum Traffic {
    private static let businesses: [Int64] = [11, 12, 13]
    private static let firstID = 1001

    static func settings(_ database: TestDatabase, _ sandbox: MarketSandboxServer) -> DaemonSettings {
        .run(database, sandbox, businesses: businesses).withDefaultPauses
    }

    /// Comes back when the daemon has worked for each of them.
    static func begin(in database: TestDatabase) async throws {
        for business in businesses { try await database.insert(1...1, business: business) }
        try await database.untilSettled()
    }

    /// Twenty rows a second for twenty seconds, of the businesses in turn.
    static func insert(into database: TestDatabase) async throws {
        let interval = Duration.milliseconds(50)
        let start = ContinuousClock.now
        for number in 0..<400 {
            try await Task.sleep(until: start + interval * number)
            let (business, id) = (businesses[number % businesses.count], firstID + number)
            _ = try await database.connection.query(
                PostgresStatement(
                    "INSERT INTO market_chat.outbox (business_id, context_type, context_id) VALUES ($1, 'ORDER', $2)",
                    [.int64(business), .int64(Int64(id))], isPrepared: true))
        }
    }

    /// What all this takes where nothing is locked.
    static func delaysWithoutLock() async throws -> Delays {
        let database = try await TestDatabase.make()
        return try await withSandbox { sandbox in
            try await withDaemon(settings(database, sandbox)) { _ in
                try await begin(in: database)
                try await insert(into: database)
                try await comesTrue(within: .seconds(5)) { try await unsettled(in: database) == 0 }
                return try await delays(in: database)
            }
        }
    }

    static func unsettled(in database: TestDatabase) async throws -> Int {
        try await database.number(
            "SELECT count(*) FROM market_chat.outbox WHERE context_id >= \(firstID) AND settled_at IS NULL")
    }

    /// From the insert to the settlement, by the database's clock; of rows that are not settled, so far.
    static func delays(in database: TestDatabase) async throws -> Delays {
        let row = try await database.rows(
            """
            SELECT (1e6 * percentile_disc(0.5) WITHIN GROUP (ORDER BY delay))::bigint AS median,
                (1e6 * percentile_disc(0.99) WITHIN GROUP (ORDER BY delay))::bigint AS p99,
                (1e6 * max(delay))::bigint AS longest
            FROM (
                SELECT extract(epoch FROM coalesce(settled_at, clock_timestamp()) - created_at) AS delay
                FROM market_chat.outbox WHERE context_id >= \(firstID)
            ) AS delays
            """)[0]
        func time(_ name: String) throws -> Duration { .microseconds(try row.decode(name, as: Int64.self)) }
        return Delays(median: try time("median"), p99: try time("p99"), longest: try time("longest"))
    }

    struct Delays: CustomStringConvertible {
        var median: Duration
        var p99: Duration
        var longest: Duration

        var description: String {
            let times = [median, p99, longest].map { "\(($0 / .milliseconds(1)).tenths) ms" }
            return "median \(times[0]), p99 \(times[1]), max \(times[2])"
        }
    }
}

extension MarketSandboxServer {
    /// How often business 11 asked for this order.
    fileprivate func requests(for order: Int64) -> Int {
        state().contexts.first { $0.businessID == 11 && $0.kind == .order && $0.id == order }?.requests ?? 0
    }
}
