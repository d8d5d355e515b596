import Harness
import LibPQ
import MarketSandbox
import TestSupport
import Testing

/// `market-chatd retry`, `pause` and `resume`.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct LeverCommandTests {
    // MARK: retry

    private func insertSettled(_ database: TestDatabase) async throws {
        try await database.insert(1...6)
        try await database.run(
            """
            UPDATE market_chat.outbox SET state = 'rejected', settled_at = now(), attempts = 4, last_error = 'x',
                not_found_since = now() - interval '1 day', due_at = now() - interval '1 day'
            WHERE id <= 4;
            UPDATE market_chat.outbox SET state = 'created', chat_id = 9, settled_at = now() WHERE id = 5;
            INSERT INTO market_chat.attempt (outbox_id, http_status, code, verdict)
            SELECT n, s, c, v FROM (VALUES
                (1, 404, 'NOT_FOUND', 'backoff'), (1, 400, 'BAD', 'rejected'), (2, 404, 'NOT_FOUND', 'rejected'),
                (3, 400, 'BAD', 'backoff'), (3, 404, 'NOT_FOUND', 'rejected')) AS e (n, s, c, v)
            """)
    }

    private func pending(_ database: TestDatabase) async throws -> String? {
        try await database.text(
            "SELECT string_agg(id::text, ' ' ORDER BY id) FROM market_chat.outbox WHERE state = 'pending'")
    }

    @Test func rowsBeginAnewAndWhatCannotIsNamed() async throws {
        let database = try await TestDatabase.make()
        try await insertSettled(database)
        let run = try await database.operate("retry", "--id", "5", "1", "99", "1")
        #expect(run.ending == .exited(1))
        #expect(run.output == "row 1: pending again, and due now\n")
        #expect(run.errors.contains("row 5 has its chat already, and was left as it is"), "\(run.errors)")
        #expect(run.errors.contains("row 99 does not exist") && run.errors.contains("1 row missing"))
        #expect(
            try await database.text(
                """
                SELECT concat_ws(' ', state, attempts, last_error, not_found_since, settled_at,
                    due_at > now() - interval '1 minute') FROM market_chat.outbox WHERE id = 1
                """) == "pending 0 t")
        let json = try await database.operate("retry", "--id", "2", "5", "--json")
        #expect(json.ending == .exited(0), "\(json.errors)")
        #expect(
            try members(json.output)
                == [
                    "retried": .list([.number(2)]), "created": .list([.number(5)]), "missing": .list([]),
                    "refused": .list([]),
                ])
    }

    @Test func allRejectedRowsOfACodeAreTriedAgain() async throws {
        let database = try await TestDatabase.make()
        try await insertSettled(database)
        try await database.insert(1...1, business: 12)
        try await database.run(
            "UPDATE market_chat.outbox SET state = 'rejected', settled_at = now() WHERE business_id = 12")
        let refused = try await database.operate("retry", "--business", "11", "--all-rejected")
        #expect(refused.ending == .exited(64) && refused.errors.contains("--yes"), "\(refused.errors)")
        #expect(try await pending(database) == "6")
        let byCode = try await database.operate("retry", "--business", "11", "--all-rejected", "--code", "BAD", "--yes")
        #expect(byCode.output == "1 row of business 11 pending again, and due now\n", "\(byCode.errors)")
        #expect(try await pending(database) == "1 6")
        let byStatus = try await database.operate(
            "retry", "--business", "11", "--all-rejected", "--code", "404", "--yes", "--json")
        #expect(try members(byStatus.output)["retried"] == .number(2))
        #expect(try await pending(database) == "1 2 3 6")
        let rest = try await database.operate("retry", "--business", "11", "--all-rejected", "--yes")
        #expect(rest.output == "1 row of business 11 pending again, and due now\n")
        let none = try await database.operate("retry", "--business", "11", "--all-rejected", "--yes")
        #expect(none.output == "business 11 has no rejected rows\n" && none.ending == .exited(0))
        #expect(try await database.count("rejected") == 1, "another business's")
    }

    @Test(arguments: [("y\n", 0, 4), ("n\n", 1, 0), ("\n", 1, 0)])
    func onATerminalItAsksFirst(answer: String, status: Int32, retried: Int) async throws {
        let database = try await TestDatabase.make()
        try await insertSettled(database)
        let run = try await database.operate(
            "retry", "--business", "11", "--all-rejected", input: answer, isOnTerminal: true)
        #expect(run.ending == .exited(status), "\(run.output)")
        #expect(run.output.contains("Try 4 rejected rows of business 11 again? [y/N]"), "\(run.output)")
        #expect(try await database.count("rejected") == 4 - retried)
    }

    @Test func manyRejectedRowsAreFoundInParts() async throws {
        let database = try await TestDatabase.make()
        try await database.run(
            """
            INSERT INTO market_chat.outbox (business_id, context_type, context_id, state, settled_at)
            SELECT 11, t, n, CASE n % 3 WHEN 0 THEN 'rejected' ELSE 'pending' END, now()
            FROM generate_series(1, 15000) n, unnest('{ORDER, RETURN}'::text[]) t
            """)
        let run = try await database.operate("retry", "--business", "11", "--all-rejected", "--yes")
        #expect(run.output == "10000 rows of business 11 pending again, and due now\n", "\(run.errors)")
        #expect(try await database.count("rejected") == 0)
    }

    @Test func aRowThatTheDatabaseRefusesIsNamedAndItsNeighboursAreTriedAgain() async throws {
        let database = try await TestDatabase.make()
        try await insertSettled(database)
        try await database.run(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.id = 2 THEN RAISE EXCEPTION 'archived'; END IF;
                IF NEW.id = 3 THEN RETURN NULL; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse BEFORE UPDATE ON market_chat.outbox FOR EACH ROW EXECUTE FUNCTION refuse();
            """)
        let run = try await database.operate("retry", "--id", "1", "2", "3", "4")
        #expect(run.ending == .exited(1))
        #expect(run.errors.contains("row 2 was refused: archived (SQLSTATE P0001)\n"), "\(run.errors)")
        #expect(run.errors.contains("row 3 was refused: a BEFORE UPDATE trigger"), "\(run.errors)")
        #expect(try await pending(database) == "1 4 6")
    }

    /// No poll comes to the rescue: the daemon sleeps for an hour. The second rejection comes after four tries again.
    @Test func aSleepingDaemonTriesARowAgainAtOnceAndWithNewPatience() async throws {
        var options = SandboxOptions()
        options.missing.ids = [1: .untilAsked(9)]
        let database = try await TestDatabase.make()
        try await withSandbox(options) { sandbox in
            let settings = DaemonSettings.run(
                database, sandbox,
                ["CHATD_NOT_FOUND_PATIENCE": "0", "CHATD_RETRY_BASE": "10ms", "CHATD_RETRY_MAX": "20ms"])
            try await withDaemon(settings) { daemon in
                try await database.insert(1...1)
                for (round, requests) in [4, 8].enumerated() {
                    try await database.untilSettled()
                    #expect(try await database.count("rejected") == 1)
                    #expect(sandbox.state().contexts.map(\.requests) == [requests], "round \(round)")
                    try await waitUntil("it sleeps") {
                        try await daemon.get("/status.json").body.contains(#""is_asleep":true"#)
                    }
                    #expect(try await database.operate("retry", "--id", "1").ending == .exited(0))
                }
                try await database.untilSettled()
                #expect(try await database.count("created") == 1)
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }

    // MARK: pause and resume

    @Test func aPauseAndItsEndReachTheDaemonAtOnce() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await daemon.log.line("Business owned")
                let paused = try await database.operate("pause", "--business", "11")
                #expect(paused.ending == .exited(0) && paused.errors == "", "\(paused.errors)")
                #expect(paused.output.hasPrefix("business 11 is paused: "))
                let again = try await database.operate("pause", "--business", "11", "--json")
                #expect(
                    try members(again.output) == [
                        "business_id": .number(11), "paused": .bool(true), "changed": .bool(false),
                        "has_owner": .bool(true), "hold": .null,
                    ])
                try await database.insert(1...3)
                let story = try await database.operate("explain", "--business", "11", "--order", "2")
                #expect(story.output.contains("its business is paused"), "\(story.output)")
                #expect(story.output.contains("market-chatd resume --business 11"))
                #expect(try await database.count("pending") == 3)
                let resumed = try await database.operate("resume", "--business", "11")
                #expect(resumed.output == "business 11 is resumed\n" && resumed.ending == .exited(0))
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }

    @Test func aBusinessThatNobodyKnowsIsNotPausedByMistake() async throws {
        let database = try await TestDatabase.make()
        for command in ["pause", "resume"] {
            let run = try await database.operate(command, "--business", "77")
            #expect(run.ending == .exited(1) && run.errors.contains("--force"), "\(run.errors)")
        }
        #expect(try await database.number("SELECT count(*) FROM market_chat.business") == 0)
        let forced = try await database.operate("pause", "--business", "77", "--force")
        #expect(forced.ending == .exited(0), "\(forced.errors)")
        #expect(forced.errors.contains("no daemon serves business 77 now"))
        #expect(try await database.text("SELECT paused FROM market_chat.business") == "true")
    }

    @Test func aHoldIsToldOfAndEndedEarly() async throws {
        let database = try await TestDatabase.make()
        try await database.run(
            """
            INSERT INTO market_chat.business (business_id, held_until, hold_reason) VALUES
                (11, now() + interval '10 minutes', E'migration: \\x1B[31mmoving'), (12, 'infinity', 'quota: used up'),
                (13, now() - interval '1 second', 'quota: used up')
            """)
        let held = try await database.operate("resume", "--business", "11")
        #expect(held.output.contains("it is held all the same: migration: \\u{1b}[31mmoving, for "), "\(held.output)")
        #expect(held.output.contains("market-chatd resume --business 11 --now"))
        #expect(try await database.operate("resume", "--business", "12").output.contains("quota: used up, for 36"))
        #expect(try await database.operate("resume", "--business", "13").output == "business 13 was not paused\n")
        let listener = try await database.anotherConnection()
        try await listener.execute(script: "LISTEN market_chat_wake")
        let now = try await database.operate("resume", "--business", "11", "--now")
        #expect(now.ending == .exited(0), "\(now.errors)")
        #expect(now.output.contains("it was held, and is tried now: migration"), "\(now.output)")
        var heard = listener.notifications.makeAsyncIterator()
        #expect(await heard.next()?.payload == "!11")
        await listener.close()
    }
}
