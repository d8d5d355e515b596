import Harness
import LibPQ
import MarketSandbox
import PrivatePostgres
import TestSupport
import Testing

/// Ways in which sellers write and carry on rows, beyond a plain INSERT.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct ProducerWaysTests {
    @Test func aCopyWakesTheOwner() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await untilAsleep(daemon)
                try await database.run(
                    """
                    COPY market_chat.outbox (business_id, context_type, context_id)
                    FROM PROGRAM $$printf '11\\tORDER\\t1\\n11\\tRETURN\\t2\\n'$$
                    """)
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 2)
        }
    }

    @Test func aPreparedTransactionIsSettledWhenItCommitsAndHoldsUpNobody() async throws {
        try await withCluster(["max_prepared_transactions": "5"]) { cluster in
            let database = try await TestDatabase.make(in: cluster)
            try await withSandbox { sandbox in
                let settings = DaemonSettings.run(database, sandbox, ["CHATD_POLL_INTERVAL": "500ms"])
                try await withDaemon(settings) { daemon in
                    try await untilAsleep(daemon)
                    try await database.run(
                        """
                        SET market_chat.notify = off;
                        BEGIN;
                        SELECT market_chat.enqueue(11, 'ORDER', 1);
                        PREPARE TRANSACTION 'shop';
                        """)
                    // Others go on meanwhile.
                    try await database.insert(2...4)
                    try await database.untilSettled()
                    try await database.run("COMMIT PREPARED 'shop'")
                    try await waitUntil("its row is settled") { try await database.count("created") == 4 }
                    #expect(try await daemon.drain() == .exited(0))
                }
                try await Invariants.expectAll(in: database, sandbox, rows: 4)
            }
            await database.connection.close()
        }
    }

    /// The seller's reporting database has the chat IDs too, and nothing is settled there.
    @Test func aSubscriberGetsWhatIsSettled() async throws {
        try await withCluster(["wal_level": "logical"]) { cluster in
            let database = try await TestDatabase.make(in: cluster)
            let reports = try await PrivatePostgres.start()
            do {
                let copy = try await TestDatabase.make(in: reports)
                try await database.run("CREATE PUBLICATION chats FOR TABLE market_chat.outbox")
                try await copy.run(
                    "CREATE SUBSCRIPTION chats CONNECTION '\(database.connectionString)' PUBLICATION chats")
                try await withSandbox { sandbox in
                    try await withDaemon(.run(database, sandbox)) { daemon in
                        try await database.insert(1...5)
                        try await database.untilSettled()
                        #expect(try await daemon.drain() == .exited(0))
                    }
                }
                try await waitUntil("the subscriber has all") { try await copy.count("created") == 5 }
                let ids = "(SELECT string_agg(id || ':' || chat_id, ',' ORDER BY id) FROM market_chat.outbox)"
                #expect(try await copy.text(ids) == database.text(ids))
                try await copy.run("DROP SUBSCRIPTION chats")
                await copy.connection.close()
            } catch {
                await reports.stopAndRemove()
                throw error
            }
            await reports.stopAndRemove()
            await database.connection.close()
        }
    }

    private func untilAsleep(_ daemon: DaemonProcess) async throws {
        try await waitUntil("it sleeps") {
            try await daemon.get("/status.json").body.contains(#""is_asleep":true"#)
        }
    }

    private func withCluster(
        _ settings: [String: String], _ body: (PrivatePostgres) async throws -> Void
    ) async throws {
        let cluster = try await PrivatePostgres.start(extraSettings: settings)
        do {
            try await body(cluster)
        } catch {
            await cluster.stopAndRemove()
            throw error
        }
        await cluster.stopAndRemove()
    }
}
