import PrivatePostgres
import TestSupport
import Testing

@testable import ChatOutbox

/// What `market-chatd migrate` makes, and what producers can do with it.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct SchemaTests {
    @Test func migratingTwiceAndAtOnceIsSafe() async throws {
        let database = try await TestDatabase.makeEmpty()
        let migrator = SchemaMigrator(connectionString: database.connectionString)
        async let first = migrator.migrate()
        async let second = migrator.migrate()
        let before = try await [first, second].map(\.before).sorted()
        #expect(before == [0, OutboxSchema.version])
        let third = try await migrator.migrate()
        #expect(third.versions == [OutboxSchema.version, OutboxSchema.version])
        #expect(try await database.value("SELECT count(*) FROM market_chat.upgrade") == "\(OutboxSchema.version)")
    }

    /// Who waits for the other's lock has to see what the other did.
    @Test func migratingAtOnceIsSafeUnderAnyDefaults() async throws {
        let database = try await TestDatabase.makeEmpty()
        try await database.sql(
            """
            ALTER DATABASE \(database.name) SET default_transaction_isolation = 'serializable';
            ALTER DATABASE \(database.name) SET lock_timeout = '1ms';
            """)
        let migrator = SchemaMigrator(connectionString: database.connectionString)
        let before = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 { group.addTask { try await migrator.migrate().before } }
            return try await group.reduce(into: []) { $0.append($1) }.sorted()
        }
        #expect(before == [0] + Array(repeating: OutboxSchema.version, count: 3))
    }

    @Test func theSchemasOwnerNeedNoRightToMakeSchemas() async throws {
        let database = try await TestDatabase.makeEmpty()
        let owner = "owner_\(database.name)"
        try await database.sql("CREATE ROLE \(owner) LOGIN; CREATE SCHEMA market_chat AUTHORIZATION \(owner);")
        let migrator = SchemaMigrator(connectionString: database.connectionString(user: owner))
        #expect(try await migrator.migrate().after == OutboxSchema.version)
    }

    @Test func anOlderOrNewerSchemaIsRefusedAndTheCureIsTold() async throws {
        let database = try await TestDatabase.make()
        let outbox = database.outbox()
        try await database.sql("INSERT INTO market_chat.migration (version, name) VALUES (99, 'of the future')")
        let newer = await failure { () async throws(OutboxError) in try await outbox.openSession() }
        guard case .unusable(let told) = newer else {
            Issue.record("\(String(describing: newer))")
            return
        }
        #expect(told.cure.contains("install the newer market-chatd"))
        let refused = await #expect(throws: MigrationError.self) {
            try await SchemaMigrator(connectionString: database.connectionString).migrate()
        }
        guard case .unusable(let same)? = refused else {
            Issue.record("\(String(describing: refused))")
            return
        }
        #expect(told == same)
        try await database.sql("TRUNCATE market_chat.migration, market_chat.upgrade")
        let older = await failure { () async throws(OutboxError) in try await outbox.openSession() }
        #expect(older?.text.contains("run 'market-chatd migrate'") == true)
    }

    @Test func aDatabaseWithoutTheSchemaIsRefused() async throws {
        let database = try await TestDatabase.makeEmpty()
        let error = await failure { () async throws(OutboxError) in try await database.outbox().openSession() }
        #expect(error?.text.contains("run 'market-chatd migrate'") == true)
        if case .unusable = error {} else { Issue.record("\(String(describing: error))") }
    }

    @Test func aRoleThatMayNotMigrateIsTold() async throws {
        let database = try await TestDatabase.makeEmpty()
        try await database.sql("CREATE ROLE nobody_\(database.name) LOGIN")
        let migrator = SchemaMigrator(connectionString: database.connectionString(user: "nobody_\(database.name)"))
        let error = await #expect(throws: MigrationError.self) { try await migrator.migrate() }
        if case .notPermitted(let diagnosis) = error {
            #expect(diagnosis.cure.contains("GRANT CREATE"))
            #expect(diagnosis.cause.hasPrefix("nobody_\(database.name)@local/\(database.name): "))
        } else {
            Issue.record("\(error as Any)")
        }
    }

    @Test(arguments: [
        "0, 'ORDER', 1", "-5, 'ORDER', 1", "11, 'ORDER', 0", "11, 'order', 1", "11, '', 1", "NULL, 'ORDER', 1",
        "11, NULL, 1", "11, 'ORDER', NULL", "11, 'ORDER', 9223372036854775808",
    ])
    func impossibleRowsAreRefused(values: String) async throws {
        let database = try await TestDatabase.make()
        await #expect(throws: PrivatePostgresError.self) {
            try await database.sql(
                "INSERT INTO market_chat.outbox (business_id, context_type, context_id) VALUES (\(values))")
        }
        await #expect(throws: PrivatePostgresError.self) {
            try await database.sql("SELECT market_chat.enqueue(\(values))")
        }
        #expect(try await database.value("SELECT count(*) FROM market_chat.outbox") == "0")
    }

    /// In psql, where a person tries it first: without the statement of the function's that fails.
    @Test(arguments: [
        ("0, 'ORDER', 1", "business_id has to be 1 or more, and is '0'"),
        ("11, 'order', 1, 5", "context_type has to be ORDER or RETURN, and is 'order'"),
        ("11, 'ORDER', NULL", "context_id has to be 1 or more, and is NULL"),
    ])
    func aMistakeOfAProducerIsToldInALineOfItsOwn(values: String, mistake: String) async throws {
        let database = try await TestDatabase.make()
        let error = await #expect(throws: PrivatePostgresError.self) {
            try await database.sql("SELECT market_chat.enqueue(\(values))")
        }
        let lines = try #require(error).message.split(separator: "\n")
        let first = try #require(lines.firstIndex { $0.contains("ERROR:") })
        #expect(lines[first].hasSuffix("market_chat.enqueue: \(mistake)"))
        #expect(lines.count - first <= 3, "\(lines)")
    }

    @Test func enqueueReturnsTheRowThatIsThereAlready() async throws {
        let database = try await TestDatabase.make()
        let script = """
            SELECT market_chat.enqueue(11, 'ORDER', 5) = market_chat.enqueue(11, 'ORDER', 5, 7);
            SELECT market_chat.enqueue(11, 'ORDER', 5) <> market_chat.enqueue(11, 'RETURN', 5);
            SELECT market_chat.enqueue(11, 'ORDER', 6, 7::smallint, now() + interval '1 hour') > 0;
            SELECT market_chat.enqueue(11, 'ORDER', 7, priority => 9, due_at => now()) > 0;
            SELECT market_chat.enqueue(business_id => 11, context_type => 'ORDER', context_id => 8, due_at => now()) > 0;
            """
        #expect(try await database.sql(script) == "t\nt\nt\nt\nt\n")
        let priorities =
            "SELECT string_agg(priority::text, ',' ORDER BY context_type, context_id) FROM market_chat.outbox"
        #expect(try await database.value(priorities) == "0,7,9,0,0")
    }

    /// As drivers do that leave types to the server.
    @Test func enqueueTakesParametersWithoutTypes() async throws {
        let database = try await TestDatabase.make()
        let script = """
            PREPARE four AS SELECT market_chat.enqueue($1, $2, $3, $4);
            PREPARE named AS SELECT market_chat.enqueue($1, $2, $3, priority => $4, due_at => $5);
            PREPARE whole (bigint, text, bigint, integer) AS SELECT market_chat.enqueue($1, $2, $3, $4);
            EXECUTE four('11', 'ORDER', '1', '3'); EXECUTE named('11', 'ORDER', '2', '4', now());
            EXECUTE whole(11, 'ORDER', 3, 5); SELECT market_chat.enqueue(11, 'ORDER', 4, '6');
            SELECT string_agg(priority::text, ',' ORDER BY context_id) FROM market_chat.outbox;
            """
        #expect(try await database.sql(script).hasSuffix("3,4,5,6\n"))
        await #expect(throws: PrivatePostgresError.self) {
            try await database.sql("SELECT market_chat.enqueue(11, 'ORDER', 5, 40000)")
        }
    }

    @Test func producersNeedNoRightThatAHardenedDatabaseWithholds() async throws {
        let database = try await TestDatabase.makeEmpty()
        let producer = "hardened_\(database.name)"
        try await database.sql("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        _ = try await SchemaMigrator(connectionString: database.connectionString).migrate()
        try await database.sql(
            """
            CREATE ROLE \(producer) LOGIN;
            GRANT USAGE ON SCHEMA market_chat TO \(producer);
            GRANT SELECT, INSERT ON market_chat.outbox TO \(producer);
            """)
        #expect(try await database.sql("SELECT market_chat.enqueue(11, 'ORDER', 1) > 0", user: producer) == "t\n")
    }

    @Test func enqueueGivesUpWhereARowCannotBeInserted() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            CREATE FUNCTION slip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
            CREATE TRIGGER slip BEFORE INSERT ON market_chat.outbox FOR EACH ROW EXECUTE FUNCTION slip();
            """)
        let error = await #expect(throws: PrivatePostgresError.self) {
            try await database.sql("SET statement_timeout = '20s'; SELECT market_chat.enqueue(11, 'ORDER', 1)")
        }
        #expect(error?.message.contains("BEFORE INSERT trigger") == true)
    }

    /// The trigger's condition has the key written out.
    @Test func producersAndOwnersMeanTheSameLock() async throws {
        let database = try await TestDatabase.make()
        let script = """
            BEGIN; INSERT INTO market_chat.outbox (business_id, context_type, context_id)
            SELECT n, 'ORDER', 1 FROM unnest('{1, 11, 1001, 9223372036854775807}'::bigint[]) n;
            SELECT count(*) FROM market_chat.outbox o JOIN pg_locks l
            ON (l.classid::bigint << 32) | l.objid::bigint = market_chat.asleep_key(o.business_id)
            WHERE l.locktype = 'advisory' AND l.mode = 'ShareLock' AND l.pid = pg_backend_pid(); ROLLBACK;
            """
        #expect(try await database.sql(script) == "4\n")
    }

    /// Whatever the order of commits, everybody gets the same row and nobody an error.
    @Test func enqueueAtOnceGivesOneRow() async throws {
        let database = try await TestDatabase.make()
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await database.sql(
                        """
                        BEGIN; SELECT market_chat.enqueue(11, 'ORDER', n) FROM generate_series(1, 50) n; COMMIT;
                        """)
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        #expect(try await database.value("SELECT count(*) FROM market_chat.outbox") == "50")
    }
}
