import Harness
import MarketSandbox
import TestSupport
import Testing

/// When rows are sent, and how often.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct RetryTests {
    @Test func aRowThatWasPutOffIsTriedAgainWhenItIsDue() async throws {
        var options = SandboxOptions()
        options.missing.ids = [1: .untilAsked(2), 2: .untilAsked(4)]
        let database = try await TestDatabase.make()
        try await withSandbox(options) { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await waitUntil("it sleeps") {
                    try await daemon.get("/status.json").body.contains(#""is_asleep":true"#)
                }
                try await database.insert(1...1)
                try await database.untilSettled()
                try await database.insert(2...3)
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 3)
            #expect(sandbox.state().contexts.map(\.requests) == [3, 5, 1])
        }
    }

    @Test func aRowThatIsDueLaterIsSentThenAndNotBefore() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await waitUntil("it sleeps") {
                    try await daemon.get("/status.json").body.contains(#""is_asleep":true"#)
                }
                try await database.run(
                    """
                    INSERT INTO market_chat.outbox (business_id, context_type, context_id, due_at)
                    VALUES (11, 'ORDER', 1, clock_timestamp() + interval '400 ms')
                    """)
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
            #expect(try await database.number("SELECT count(*) FROM market_chat.outbox WHERE settled_at < due_at") == 0)
        }
    }

    @Test func noOrderIsAskedForTwiceWithoutNeed() async throws {
        let database = try await TestDatabase.make()
        var options = SandboxOptions()
        options.quota = 100_000
        try await withSandbox(options) { sandbox in
            try await withDaemon(.run(database, sandbox, ["MARKET_MAX_PARALLEL": "4"])) { daemon in
                for batch in 0..<10 { try await database.insert((batch * 50 + 1)...(batch * 50 + 50)) }
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
            let again = sandbox.state().contexts.filter { $0.requests > 1 }
            #expect(again.isEmpty, "\(again.count) of 500 orders were asked for twice")
            try await Invariants.expectAll(in: database, sandbox, rows: 500)
        }
    }
}
