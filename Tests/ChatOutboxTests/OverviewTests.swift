import ChatOutbox
import Harness
import PrivatePostgres
import TestSupport
import Testing

/// What the database tells of all businesses, for `status` and the status page.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct OverviewTests {
    private func overview(
        _ database: TestDatabase, of businessIDs: [Int64] = [11], user: String? = nil
    ) async throws -> OutboxOverview {
        try await OperatorSession.with(
            user.map(database.connectionString(user:)) ?? database.connectionString, isReadOnly: true
        ) { session throws(OperatorError) in try await session.overview(of: businessIDs) }
    }

    @Test func ofAnEmptyOutboxWhatIsAskedForComesWithNothing() async throws {
        let overview = try await overview(TestDatabase.make(), of: [12, 11])
        #expect(
            overview
                == OutboxOverview(businesses: [BusinessOverview(businessID: 11), BusinessOverview(businessID: 12)]))
    }

    @Test func anOwnerIsNamedAndAStrangerIsToldFromIt() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session(owning: [11])
        let key = try await database.value("SELECT market_chat.owner_key(12)")
        async let stranger: Void = {
            _ = try? await database.sql("SELECT pg_advisory_lock(\(key)), pg_sleep(20)")
        }()
        let found = try await comesTrue {
            try await self.overview(database, of: [11, 12, 13]).businesses[1].owner != nil
        }
        #expect(found)
        let businesses = try await overview(database, of: [11, 12, 13]).businesses
        #expect(businesses[0].owner?.name.hasPrefix("market-chatd@") == true)
        #expect(businesses[0].owner?.isStranger == false)
        #expect(businesses[1].owner?.isStranger == true)
        #expect(businesses[1].owner?.name == "psql")
        #expect(businesses[2].owner == nil)
        try await database.sql("SELECT pg_terminate_backend(\(businesses[1].owner?.processID ?? 0))")
        await stranger
        await session.close()
        let isLetGo = try await comesTrue { try await self.overview(database).businesses[0].owner == nil }
        #expect(isLetGo, "the server notices in its own time that a session is over")
    }

    @Test func whatAnOwnerRememberedIsToldWithItsTimes() async throws {
        let database = try await TestDatabase.make()
        let session = try await database.session()
        let record = BusinessRecord(
            businessID: 11, hold: .init(reason: "quota: used up", endsIn: .seconds(60)),
            quota: .init(limit: 1000, remaining: 3, resetsIn: .seconds(60)))
        _ = try await session.settle([], remembering: [record])
        await session.close()
        let business = try await overview(database).businesses[0]
        #expect(business.hold?.reason == "quota: used up")
        #expect(business.hold.map { .seconds(30)...(.seconds(60)) ~= $0.endsIn } == true)
        #expect(business.quota?.remaining == 3)
        #expect(business.recordAge.map { $0 < .seconds(30) } == true)
        try await database.sql("UPDATE market_chat.business SET held_until = 'infinity', paused = true")
        let forever = try await overview(database).businesses[0]
        #expect(forever.isPaused)
        #expect(forever.hold.map { $0.endsIn > .seconds(86_400 * 365) } == true)
        try await database.sql("UPDATE market_chat.business SET held_until = NULL")
        #expect(try await overview(database).businesses[0].hold?.endsIn == .zero)
    }

    @Test func rowsAreCountedByWhetherTheyAreDue() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...3)
        try await database.sql(
            """
            UPDATE market_chat.outbox SET due_at = now() - interval '1 hour' WHERE context_id = 2;
            UPDATE market_chat.outbox SET due_at = now() + interval '1 hour' WHERE context_id = 3;
            """)
        let business = try await overview(database).businesses[0]
        #expect(business.due == 2 && business.later == 1 && !business.isCapped)
        #expect(business.oldestDueFor.map { .seconds(3600)...(.seconds(3700)) ~= $0 } == true)
        #expect(business.nextDueIn.map { .seconds(3500)...(.seconds(3600)) ~= $0 } == true)
        try await database.sql(
            "UPDATE market_chat.outbox SET due_at = CASE WHEN context_id = 3 THEN 'infinity' ELSE '-infinity' END::timestamptz"
        )
        let forever = try await overview(database).businesses[0]
        #expect(forever.oldestDueFor.map { $0 > .seconds(86_400) } == true)
        #expect(forever.nextDueIn.map { $0 > .seconds(86_400) } == true)
        try await database.sql("DELETE FROM market_chat.outbox WHERE context_id = 3")
        #expect(try await overview(database).businesses[0].nextDueIn == nil)
        try await database.sql("UPDATE market_chat.outbox SET due_at = now() + interval '1 hour'")
        #expect(try await overview(database).businesses[0].oldestDueFor == nil)
    }

    @Test func whatIsNotAskedForComesWhereItHasPendingRowsOrARecord() async throws {
        let database = try await TestDatabase.make()
        for business in [40, 20, 30] as [Int64] { try await database.insert(1...2, business: business) }
        try await database.sql("INSERT INTO market_chat.business (business_id, paused) VALUES (50, true)")
        let businesses = try await overview(database).businesses
        #expect(businesses.map(\.businessID) == [11, 20, 30, 40, 50])
        #expect(businesses.map(\.due) == [0, 2, 2, 2, 0])
    }

    @Test func morePendingRowsThanTheBoundAreSaidToBeMore() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...(BusinessOverview.countLimit + 5))
        let business = try await overview(database).businesses[0]
        #expect(business.due == BusinessOverview.countLimit && business.isCapped)
    }

    /// Six rows: created now, created three hours ago, rejected, two that fail alike, and one of the day before.
    private func day(_ database: TestDatabase) async throws {
        try await database.insert(1...6)
        try await database.sql(
            """
            UPDATE market_chat.outbox SET state = 'created', chat_id = 70 + context_id,
                settled_at = now() - (context_id - 1) * interval '3 hours' WHERE context_id <= 2;
            UPDATE market_chat.outbox SET state = 'rejected', settled_at = now() WHERE context_id = 3;
            INSERT INTO market_chat.attempt (outbox_id, http_status, code, message, trace_id, verdict)
            SELECT id, 400, 'BAD_REQUEST', 'no', 't3', 'rejected' FROM market_chat.outbox WHERE context_id = 3;
            INSERT INTO market_chat.attempt (outbox_id, at, http_status, message, verdict)
            SELECT id, now() - interval '1 minute', 404, 'Order not found', 'backoff'
            FROM market_chat.outbox WHERE context_id IN (4, 5) ORDER BY id;
            INSERT INTO market_chat.attempt (outbox_id, http_status, message, trace_id, verdict)
            SELECT id, 404, 'Order not found 5', 't5', 'backoff' FROM market_chat.outbox WHERE context_id = 5;
            """)
        // Inserted before all others.
        try await database.sql(
            """
            ALTER TABLE market_chat.outbox DISABLE TRIGGER USER;
            UPDATE market_chat.outbox SET created_at = now() - interval '1 minute';
            INSERT INTO market_chat.outbox OVERRIDING SYSTEM VALUE
            SELECT 0, 11, 'ORDER', 99, 0, now(), 'created', 9, 0, NULL, now() - interval '25 hours', now(), NULL;
            ALTER TABLE market_chat.outbox ENABLE TRIGGER USER;
            """)
    }

    @Test func theDaysRowsAreCountedByOutcomeAndHour() async throws {
        let database = try await TestDatabase.make()
        try await day(database)
        let overview = try await overview(database)
        #expect(overview.businesses[0].createdToday == 2, "not the one of the day before")
        #expect(overview.businesses[0].rejectedToday == 1)
        #expect(
            overview.hours == [
                HourCount(hoursAgo: 0, created: 1, putOff: 3, rejected: 1), HourCount(hoursAgo: 3, created: 1),
            ])
        #expect(overview.recentChats.map(\.chatID).sorted() == [9, 71, 72])
        #expect(overview.recentChats.last?.chatID == 72 && overview.recentChats.last?.contextType == "ORDER")
    }

    @Test func failuresAreGroupedByWhatTheLastExchangeSaid() async throws {
        let database = try await TestDatabase.make()
        try await day(database)
        let failures = try await overview(database).failures
        #expect(failures.count == 2)
        let notFound = try #require(failures.first)
        #expect(notFound.rows == 2 && notFound.rejected == 0 && notFound.httpStatus == 404 && notFound.code == nil)
        #expect(notFound.verdict == "backoff" && notFound.message == "Order not found 5" && notFound.traceID == "t5")
        #expect(failures.last?.code == "BAD_REQUEST" && failures.last?.rejected == 1)
    }

    @Test func timesThatSomebodySetByHandDoNotBreakIt() async throws {
        let database = try await TestDatabase.make()
        try await day(database)
        try await database.sql(
            "UPDATE market_chat.outbox SET settled_at = 'infinity' WHERE context_id = 1")
        let overview = try await overview(database)
        #expect(overview.recentChats.first?.age == .zero)
        #expect(overview.hours.first?.created == 0)
    }

    @Test(arguments: ["market_chatd", "producer"])
    func theUsualRolesSuffice(user: String) async throws {
        let database = try await TestDatabase.make()
        try await database.sql("\\i '\(Repository.path(of: "Config/roles.sql"))'")
        let role = user == "producer" ? "producer_\(database.name)" : user
        if user == "producer" { try await database.sql("CREATE ROLE \(role) LOGIN IN ROLE market_chat_producer") }
        let session = try await database.session(owning: [11])
        try await day(database)
        let overview = try await overview(database, user: role)
        #expect(overview.businesses[0].owner?.isStranger == false)
        #expect(overview.businesses[0].owner?.name.hasPrefix("market-chatd@") == true)
        await session.close()
    }

    @Test func whoMayNotReadIsToldTheGrant() async throws {
        let database = try await TestDatabase.make()
        try await database.sql("CREATE ROLE nobody_\(database.name) LOGIN")
        let error = await #expect(throws: OperatorError.self) {
            try await self.overview(database, user: "nobody_\(database.name)")
        }
        #expect(error?.text.contains("GRANT USAGE ON SCHEMA market_chat TO nobody_\(database.name);") == true)
    }

    @Test func withoutTheSchemaItSaysWhatToDo() async throws {
        let database = try await TestDatabase.makeEmpty()
        let error = await #expect(throws: OperatorError.self) { try await self.overview(database) }
        #expect(error?.text.contains("market-chatd migrate") == true)
    }

    /// The first row of a day is found by halving.
    @Test func theDayBeginsWhereItBegins() async throws {
        let database = try await TestDatabase.make()
        try await database.sql(
            """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id)
            SELECT 11, 'ORDER', n FROM generate_series(1, 300) n;
            DELETE FROM market_chat.outbox WHERE context_id % 3 = 0;
            ALTER TABLE market_chat.outbox DISABLE TRIGGER USER;
            UPDATE market_chat.outbox SET state = 'created', chat_id = 1, settled_at = now(),
                created_at = now() - (300 - context_id) * interval '15 minutes' + interval '1 second';
            """)
        // 96 quarters of an hour, of which a third is gone.
        #expect(try await overview(database).businesses[0].createdToday == 64)
    }
}
