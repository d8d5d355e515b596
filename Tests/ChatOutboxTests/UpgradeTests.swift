import Harness
import LibPQ
import PrivatePostgres
import Synchronization
import TestSupport
import Testing

@testable import ChatOutbox

/// From one version of the schema to the next, while it is used.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct UpgradeTests {
    /// A database of version 1, with some rows and their exchanges.
    private func oldDatabase() async throws -> TestDatabase {
        let database = try await TestDatabase.makeEmpty()
        _ = try await SchemaMigrator(connectionString: database.connectionString, target: 1).migrate()
        try await database.insert(1...100)
        try await database.sql(
            """
            INSERT INTO market_chat.attempt (outbox_id, verdict)
            SELECT o.id, 'backoff' FROM market_chat.outbox o, generate_series(1, 60) WHERE o.context_id <= 10;
            """)
        return database
    }

    private func migrator(_ database: TestDatabase, _ lines: Lines = Lines()) -> SchemaMigrator {
        SchemaMigrator(connectionString: database.connectionString) { lines.add($0) }
    }

    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    @Test func anOldSchemaIsUpgradedAndKeepsItsRows() async throws {
        let database = try await oldDatabase()
        #expect(try await migrator(database).migrate().versions == [1, 2])
        #expect(try await database.value("SELECT count(*) FROM market_chat.outbox WHERE state = 'pending'") == "100")
        // The last 50 of each.
        #expect(try await database.value("SELECT count(*) FROM market_chat.attempt") == "500")
        let session = try await database.session()
        #expect(try await session.readDue(of: 11, DueRead(limit: 16, repeatLimit: 8)).fresh.count == 16)
        await session.close()
    }

    /// A program of version 1 looks at nothing but the greatest number there.
    @Test func aProgramOfTheVersionBeforeGoesOn() async throws {
        let database = try await oldDatabase()
        _ = try await migrator(database).migrate()
        #expect(try await database.value("SELECT max(version) FROM market_chat.migration") == "1")
        #expect(OutboxSchema.flaw(of: SchemaVersion(version: OutboxSchema.version + 1, oldestProgram: 2)) == nil)
        let flaw = OutboxSchema.flaw(of: SchemaVersion(version: 9, oldestProgram: 9))
        #expect(flaw?.cure.contains("install the newer market-chatd") == true)
    }

    /// One that sleeps while the schema is upgraded goes on sleeping for as long as rows come one by one: it lets go of its
    /// key only when it has more of them than it may send at once.
    @Test func whoFellAsleepBeforeTheUpgradeHearsOfRowsAfterIt() async throws {
        let database = try await oldDatabase()
        let sleeper = try await PostgresConnection.connect(
            PostgresConfiguration(connectionString: database.connectionString))
        _ = try await sleeper.query(PostgresStatement("LISTEN market_chat_wake"))
        _ = try await sleeper.query(PostgresStatement("SELECT pg_advisory_lock(market_chat.asleep_key(11))"))
        _ = try await migrator(database).migrate()
        try await database.sql("NOTIFY market_chat_wake, 'the upgrade is over'")
        try await database.insert(101...101)
        try await database.sql("NOTIFY market_chat_wake, 'the row is there'")
        var heard: [String] = []
        for await notification in sleeper.notifications {
            heard.append(notification.payload)
            if heard.last == "the row is there" { break }
        }
        #expect(heard.suffix(3) == ["the upgrade is over", "11", "the row is there"])
        await sleeper.close()
    }

    @Test func aNewerSchemaThatWorksIsLeftAlone() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            "INSERT INTO market_chat.upgrade (version, name, oldest_program) VALUES (99, 'of the future', 2)")
        #expect(try await migrator(database).migrate().versions == [99, 99])
        try await database.session().close()
    }

    /// Behind a lock that waits, all producers would wait.
    @Test func aLongTransactionHoldsUpTheUpgradeAndNoProducer() async throws {
        let database = try await oldDatabase()
        let blocker = try await BlockingTransaction.begin(
            database, alsoRunning: "SELECT count(*) FROM market_chat.outbox")
        let lines = Lines()
        async let report = migrator(database, lines).migrate()
        #expect(try await comesTrue { lines.all.contains { $0.hasPrefix("waiting for market_chat.outbox") } })
        let start = ContinuousClock.now
        for id in 101...120 { try await database.insert(id...id) }
        let isWaiting = lines.all.last?.hasPrefix("waiting") == true
        #expect(isWaiting && ContinuousClock.now - start < .seconds(20))
        await blocker.end()
        #expect(try await report.after == 2)
        #expect(lines.all.contains { $0.contains("pid ") }, "\(lines.all)")
    }

    @Test func aMigratorsPatienceEnds() async throws {
        let database = try await oldDatabase()
        let impatient = SchemaMigrator(
            connectionString: database.connectionString, target: 2, clock: HurriedClock(shortest: .seconds(3600)))
        let holder = try await BlockingTransaction.begin(
            database, alsoRunning: "SELECT count(*) FROM market_chat.outbox")
        let busy = await #expect(throws: MigrationError.self) { try await impatient.migrate() }
        #expect(busy.map { if case .unavailable = $0 { true } else { false } } == true, "\(String(describing: busy))")
        await holder.end()
        let other = try await BlockingTransaction.begin(
            database, alsoRunning: "SELECT pg_advisory_lock(\(SchemaMigrator.lockKey))")
        let place = "postgres@local/\(database.name)"
        await #expect(
            throws: MigrationError.unavailable(
                "\(place): another 'market-chatd migrate' has been at work for 600.0 seconds")
        ) { try await impatient.migrate() }
        await other.end()
    }

    @Test func aStepThatFailedIsCarriedOutByTheNextRun() async throws {
        let database = try await oldDatabase()
        // It stands in the way of the index of step 4.
        try await database.sql("CREATE TABLE market_chat.attempt_by_row ()")
        await #expect(throws: MigrationError.self) { try await migrator(database).migrate() }
        let session = try? await database.outbox().openSession()
        #expect(session == nil, "it is of version 1 still, which this program does not work with")
        #expect(try await database.sql("SELECT market_chat.enqueue(11, 'ORDER', 200) > 0") == "t\n")
        try await database.sql("DROP TABLE market_chat.attempt_by_row")
        #expect(try await migrator(database).migrate().versions == [1, 2])
        let isSame = """
            SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = 'market_chat.attempt'::regclass
            """
        #expect(try await database.value(isSame) == "1")
    }

    @Test func aRowsMeaningIsGuardedAsBefore() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...1)
        for change in [
            "state = 'done'", "state = 'created', settled_at = now()", "state = 'rejected'", "chat_id = 5",
            "state = 'created', chat_id = 0, settled_at = now()", "attempts = -1",
        ] {
            let error = await #expect(throws: PrivatePostgresError.self) {
                try await database.sql("UPDATE market_chat.outbox SET \(change)")
            }
            #expect(error?.message.contains("can not be like this") == true, "\(change)")
        }
    }
}
