import ChatOutbox
import PrivatePostgres
import TestSupport
import Testing

/// `Config/roles.sql`: the daemon and a producer can do their work with it, and nothing else.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct RolesTests {
    private static let script = "Config/roles.sql"

    private func withRoles() async throws -> TestDatabase {
        let database = try await TestDatabase.make()
        try await database.sql("\\i '\(Repository.path(of: Self.script))'")
        return database
    }

    @Test func theDaemonsRoleSufficesForTheDaemon() async throws {
        let database = try await withRoles()
        try await database.insert(1...4)
        let outbox = database.outbox(user: "market_chatd")
        let session = try await outbox.openSession()
        #expect(try await session.claim([11]).count == 1)
        #expect(try await session.readDue(of: 11, DueRead(limit: 9, repeatLimit: 10)).fresh.count == 4)
        _ = try await session.fallAsleep(11, DueRead(limit: 9, repeatLimit: 10))
        _ = try await session.poll([11])
        let exchange = ExchangeRecord(httpStatus: 400, code: "X")
        let changes: [RowResult.Change] = [.created(chatID: 5), .rejected, .backoff(.seconds(1)), .deferred]
        let results = changes.enumerated().map { index, change in
            RowResult(
                rowID: Int64(index) + 1, businessID: 11, attempts: 0, change: change, exchange: exchange)
        }
        let record = BusinessRecord(businessID: 11, hold: .init(reason: "quota", endsIn: .seconds(1)))
        #expect(try await session.settle(results, remembering: [record]) == [.written, .written, .written, .written])
        #expect(try await session.sampleDue(of: 11, contextType: nil, excluding: [4], limit: 9).isEmpty)
        #expect(try await session.settleApart([results[3]]) == [.written])
        _ = try await outbox.waitForVacancy(among: [22], atMost: .seconds(1))
        try await outbox.waitForProducers(of: 22, atMost: .seconds(1))
        await session.close()
        await outbox.close()
    }

    /// A person's commands read the daemon's environment file, and so they work as its role.
    @Test func theDaemonsRoleSufficesForALookAtARow() async throws {
        let database = try await withRoles()
        try await database.insert(1...1)
        let (story, overview) = try await OperatorSession.with(database.connectionString(user: "market_chatd")) {
            session throws(OperatorError) in (try await session.story(of: .id(1)), try await session.overview(of: [11]))
        }
        #expect(story?.waiting?.reason == "no owner")
        #expect(overview.businesses.map(\.due) == [1])
    }

    @Test func theDaemonsRoleDeletesOldRowsWhereItIsAllowedTo() async throws {
        let database = try await withRoles()
        try await database.sql("GRANT DELETE ON market_chat.outbox TO market_chatd")
        try await database.insert(1...3)
        try await database.sql(
            """
            INSERT INTO market_chat.attempt (outbox_id, verdict) SELECT id, 'created' FROM market_chat.outbox;
            UPDATE market_chat.outbox SET state = 'created', chat_id = 5, settled_at = now() - interval '2 days'
            WHERE context_id < 3
            """)
        let outbox = database.outbox(user: "market_chatd")
        var walk = RetentionWalk()
        var deleted = 0
        repeat {
            walk = try await outbox.deleteSettled(olderThan: .seconds(86_400), walk, limit: 2)
            deleted += walk.deleted
        } while !walk.isOver
        #expect(deleted == 2)
        #expect(try await database.value("SELECT string_agg(context_id::text, ',') FROM market_chat.outbox") == "3")
        #expect(try await database.value("SELECT count(*) FROM market_chat.attempt") == "1", "their exchanges go along")
        await outbox.close()
    }

    @Test(arguments: [
        "DELETE FROM market_chat.outbox", "UPDATE market_chat.outbox SET context_id = 5",
        "INSERT INTO market_chat.outbox (business_id, context_type, context_id) VALUES (1, 'ORDER', 1)",
        "DELETE FROM market_chat.attempt", "CREATE TABLE market_chat.t ()", "DROP TABLE market_chat.outbox",
    ])
    func theDaemonsRoleCanDoNoMore(statement: String) async throws {
        let database = try await withRoles()
        let error = await #expect(throws: PrivatePostgresError.self) {
            try await database.sql(statement, user: "market_chatd")
        }
        #expect(
            error?.message.contains("permission denied") == true || error?.message.contains("must be owner") == true)
    }

    @Test func aProducerCanEnqueueAndReadAndNoMore() async throws {
        let database = try await withRoles()
        let user = "producer_\(database.name)"
        try await database.sql("CREATE ROLE \(user) LOGIN IN ROLE market_chat_producer")
        let allowed = """
            SELECT market_chat.enqueue(11, 'ORDER', 1, 5) > 0;
            INSERT INTO market_chat.outbox (business_id, context_type, context_id) VALUES (11, 'ORDER', 1)
            ON CONFLICT DO NOTHING;
            SELECT state, chat_id FROM market_chat.outbox;
            """
        #expect(try await database.sql(allowed, user: user) == "t\npending|\n")
        for statement in [
            "UPDATE market_chat.outbox SET priority = 9", "DELETE FROM market_chat.outbox",
            "INSERT INTO market_chat.outbox (business_id, context_type, context_id, state, chat_id, settled_at) VALUES (11, 'ORDER', 2, 'created', 5, now())",
            "UPDATE market_chat.business SET paused = true",
        ] {
            await #expect(throws: PrivatePostgresError.self) { try await database.sql(statement, user: user) }
        }
    }

    @Test(arguments: [
        ("UPDATE (chat_id) ON market_chat.outbox", "market_chatd"), ("USAGE ON LANGUAGE plpgsql", "PUBLIC"),
        ("SELECT ON market_chat.upgrade", "PUBLIC, market_chatd"),
    ])
    func aMissingPrivilegeIsNamed(privilege: String, from role: String) async throws {
        let database = try await withRoles()
        try await database.sql("REVOKE \(privilege) FROM \(role)")
        let outbox = database.outbox(user: "market_chatd")
        let error = await failure { () async throws(OutboxError) in try await outbox.openSession() }
        guard case .notPermitted(let diagnosis) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        // What it says to do is what mends it.
        let grant = "GRANT \(privilege) TO market_chatd;"
        #expect(diagnosis.cure.contains(grant), "\(diagnosis)")
        try await database.sql(grant)
        await (try outbox.openSession()).close()
    }

    @Test func deletingNeedsAPrivilegeOfItsOwn() async throws {
        let database = try await withRoles()
        let deleting = PostgresOutbox(
            .init(
                connectionString: database.connectionString(user: "market_chatd"), pollInterval: .seconds(1),
                deletesSettledRows: true))
        let second = await failure { () async throws(OutboxError) in try await deleting.openSession() }
        #expect(second?.text.contains("DELETE ON market_chat.outbox") == true)
    }
}
