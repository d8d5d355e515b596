import MarketSandbox
import TestSupport
import Testing

/// `run --once` and `run --dry-run`.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct OnceTests {
    private func once(_ database: TestDatabase, _ sandbox: MarketSandboxServer) -> DaemonSettings {
        DaemonSettings.run(database, sandbox).with(arguments: "run", "--once")
    }

    @Test func onceSettlesWhatIsDueAndEnds() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            try await database.insert(1...30)
            try await database.insert(1...30, type: "RETURN")
            try await database.run(
                """
                INSERT INTO market_chat.outbox (business_id, context_type, context_id, due_at)
                VALUES (11, 'ORDER', 99, now() + interval '1 hour')
                """)
            let run = try await finish(once(database, sandbox))
            #expect(run.ending == .exited(0), "\(run.errors)")
            #expect(run.errors.contains("Done: nothing is left that can be settled now"))
            #expect(try await database.count("created") == 60)
            #expect(try await database.count("pending") == 1)
            #expect(sandbox.state().requests == 60)
        }
    }

    @Test func onceWithNothingDueEndsWell() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            let run = try await finish(once(database, sandbox))
            #expect(run.ending == .exited(0), "\(run.errors)")
            #expect(sandbox.state().requests == 0)
        }
    }

    @Test func onceFailsWhereABusinessIsPausedAndSaysSo() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            try await database.run("INSERT INTO market_chat.business (business_id, paused) VALUES (11, true)")
            try await database.insert(1...3)
            let run = try await finish(once(database, sandbox))
            #expect(run.ending == .exited(1))
            #expect(run.errors.contains("business 11: the business is paused"), "\(run.errors)")
            #expect(sandbox.state().requests == 0)
            #expect(try await database.count("pending") == 3)
        }
    }

    @Test func dryRunShowsWhatWouldBeSentAndSendsAndWritesNothing() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            try await database.insert(501...502)
            try await database.insert(777...777, type: "RETURN", priority: 5)
            let before = try await fingerprint(database)
            let run = try await finish(DaemonSettings.run(database, sandbox).with(arguments: "run", "--dry-run"))
            #expect(run.ending == .exited(0), "\(run.errors)")
            let lines = run.output.split(separator: "\n")
            #expect(lines.first == "business 11: 3 due")
            // In the order of sending: the higher priority first.
            #expect(lines.dropFirst().first?.contains(#"{"context":{"type":"RETURN","id":777}}"#) == true)
            #expect(lines.dropFirst(2).first?.contains("\(sandbox.url)/v2/businesses/11/chats/new") == true)
            #expect(lines.count == 4)
            #expect(sandbox.state().requests == 0)
            #expect(try await fingerprint(database) == before)
        }
    }

    /// All that is in the tables, the rows' versions included.
    private func fingerprint(_ database: TestDatabase) async throws -> String? {
        try await database.text(
            """
            SELECT string_agg(line, E'\\n') FROM (
                SELECT o.xmin::text || o.ctid::text || o.xmax::text || o::text AS line FROM market_chat.outbox o
                UNION ALL SELECT b::text FROM market_chat.business b
                UNION ALL SELECT a::text FROM market_chat.attempt a
                ORDER BY line
            ) AS all_lines
            """)
    }
}
