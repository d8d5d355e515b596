import Glibc
import Harness
import LibPQ
import TestSupport
import Testing

/// `market-chatd enqueue`.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct EnqueueCommandTests {
    private static let header = "context_type,context_id\n"

    private func rows(_ database: TestDatabase) async throws -> String? {
        try await database.text(
            "SELECT string_agg(concat_ws(' ', business_id, context_type, context_id, priority), ', ' ORDER BY id)"
                + " FROM market_chat.outbox")
    }

    // MARK: Numbers

    @Test func newRowsAreToldOfAndTheSameCommandAgainAddsNothing() async throws {
        let database = try await TestDatabase.make()
        let first = try await database.operate(
            "enqueue", "--business", "11", "--order", "1", "2", "--return", "2", "--priority", "7")
        #expect(first.ending == .exited(0), "\(first.errors)")
        #expect(
            first.output
                == "ORDER 1: row 1, new\nORDER 2: row 2, new\nRETURN 2: row 3, new\n3 new, 0 there already\n")
        #expect(first.errors.contains("no daemon has served business 11 yet"), "\(first.errors)")
        try await database.run(
            "UPDATE market_chat.outbox SET state = 'created', chat_id = 42, settled_at = now() WHERE context_id = 1;"
                + "INSERT INTO market_chat.business (business_id, paused) VALUES (11, true)")
        let second = try await database.operate("enqueue", "--business", "11", "--order", "1", "--order", "3", "3")
        #expect(second.ending == .exited(0))
        #expect(
            second.output
                == "ORDER 1: row 1, there already, created, chat 42\nORDER 3: row 4, new\n1 new, 1 there already\n")
        #expect(second.errors.contains("business 11 is paused"), "\(second.errors)")
        #expect(try await rows(database) == "11 ORDER 1 7, 11 ORDER 2 7, 11 RETURN 2 7, 11 ORDER 3 0")
    }

    @Test func theTimeIsKeptToTheMicrosecond() async throws {
        let database = try await TestDatabase.make()
        let run = try await database.operate(
            "enqueue", "--business", "11", "--order", "1", "--due-at", "2027-01-02T03:04:05.000006+03:00", "--json")
        #expect(run.ending == .exited(0), "\(run.errors)")
        let json = try members(run.output)
        #expect(json["new"] == .number(1) && json["existing"] == .number(0) && json["bad"] == .number(0))
        #expect(
            json["rows"]
                == .list([
                    .object([
                        "id": .number(1), "business_id": .number(11), "context_type": .text("ORDER"),
                        "context_id": .number(1), "state": .text("pending"), "chat_id": .null, "is_new": .bool(true),
                    ])
                ]))
        #expect(
            try await database.text("SELECT due_at AT TIME ZONE 'UTC' FROM market_chat.outbox")
                == "2027-01-02 00:04:05.000006")
    }

    @Test func tenThousandNumbersAreTakenAtOnce() async throws {
        let database = try await TestDatabase.make()
        var settings = DaemonSettings(
            ["enqueue", "--business", "11", "--order"] + (1...10_000).map(String.init),
            variables: ["DATABASE_URL": database.connectionString])
        let run = try await finish(settings)
        #expect(run.output == "10000 new, 0 there already\n", "\(run.errors)")
        settings.arguments = ["retry", "--id"] + (1...10_000).map(String.init)
        let retry = try await finish(settings)
        #expect(retry.ending == .exited(0), "\(retry.errors)")
        #expect(retry.output.hasSuffix("and 9980 rows more\n"))
    }

    @Test(arguments: [
        ["--order", "1"], ["--business", "11"], ["--business", "11", "--order", "0"],
        ["--business", "11", "--order", "-1"], ["--business", "-1", "--order", "1"],
        ["--business", "11", "--order", "9223372036854775808"], ["--business", "11", "--order", "one"],
        ["--business", "11", "--order", "1", "--csv", "-"],
        ["--business", "11", "--order", "1", "--priority", "40000"],
        ["--business", "11", "--order", "1", "--due-at", "tomorrow"], ["--business", "11", "--csv", "/nonexistent"],
        ["--business", "11", "--csv", "/"],
    ])
    func whatMakesNoSenseIsAUsageError(arguments: [String]) async throws {
        let database = try await TestDatabase.make()
        let run = try await finish(
            DaemonSettings(["enqueue"] + arguments, variables: ["DATABASE_URL": database.connectionString]))
        #expect(run.ending == .exited(64), "\(run.errors)")
        #expect(!run.errors.isEmpty && run.output.isEmpty)
    }

    // MARK: Files

    @Test func goodLinesGoInAndBadOnesAreNamedByTheirNumber() async throws {
        let database = try await TestDatabase.make()
        let file =
            "\u{FEFF}Context_ID;\"context_type\";priority;due_at;business_id\r\n"
            + "1;ORDER;;;\r\n" + "0;ORDER;;;\r\n" + "\r\n" + "\"2\";\"return\";5;2027-01-01T00:00Z;12\r\n"
            + "3;ORDER;;soon;\r\n" + "4;\u{1B}[31mORDER;;;\r\n" + "1;ORDER;9;;\r\n" + "5;ORDER;;;"
        let run = try await database.operate("enqueue", "--business", "11", "--csv", "-", input: file)
        #expect(run.ending == .exited(1))
        #expect(run.output == "3 new, 1 there already, 3 bad lines\n")
        for text in [
            "line 3 context_id \"0\" is no whole number", "line 6 due_at \"soon\" is no moment",
            "line 7 context_type \"\\u{1b}[31mORDER\" is neither",
            "mend the 3 bad lines, and run the same command again",
        ] { #expect(run.errors.contains(text), "\(run.errors)") }
        #expect(!run.errors.contains("\u{1B}"))
        #expect(try await rows(database) == "11 ORDER 1 0, 12 RETURN 2 5, 11 ORDER 5 0")
        let again = try await database.operate("enqueue", "--business", "11", "--csv", "-", "--json", input: file)
        #expect(again.ending == .exited(1))
        let json = try members(again.output)
        #expect(json["lines"] == .number(7) && json["new"] == .number(0) && json["existing"] == .number(4))
        guard case .list(let mistakes)? = json["mistakes"], case .object(let first)? = mistakes.first else {
            Issue.record("\(again.output)")
            return
        }
        #expect(mistakes.count == 3 && first["line"] == .number(3))
    }

    @Test func twentyBadLinesAreToldOfAndTheRestIsCounted() async throws {
        let database = try await TestDatabase.make()
        let file = Self.header + String(repeating: "ORDER,x\n", count: 3000)
        let run = try await database.operate("enqueue", "--business", "11", "--csv", "-", input: file)
        #expect(run.ending == .exited(1))
        #expect(run.output == "0 new, 0 there already, 3000 bad lines\n")
        #expect(run.errors.split(separator: "\n").count == 22, "\(run.errors)")
        #expect(run.errors.contains("line 21 ") && !run.errors.contains("line 22 "))
        #expect(run.errors.contains("and 2980 bad lines more"))
    }

    @Test(arguments: [
        ("", 64, "is empty: its first line has to be a header"), ("\n", 64, "unknown column \"\""),
        ("context_type,context_id", 0, ""), ("ORDER,1\n", 64, "the first line has to be the header"),
        ("context_type\n", 64, "its header has no column context_id"),
        ("\u{7F}ELF\u{2}\u{1}\u{0}\u{0}\u{1B}]0;x\u{7}\n\u{0}", 64, "its header has an unknown column"),
        (String(repeating: "x", count: 1 << 20), 64, "is longer than 4096 bytes"),
        (header + String(repeating: "x", count: 8 << 20) + "\nORDER,1\n", 1, "line 2 is longer than 4096 bytes"),
    ])
    func aFileThatIsNoneIsToldOf(input: String, status: Int32, text: String) async throws {
        let database = try await TestDatabase.make()
        let run = try await database.operate("enqueue", "--business", "11", "--csv", "-", input: input)
        #expect(run.ending == .exited(status), "\(run.errors)")
        #expect(run.errors.contains(text), "\(run.errors)")
        #expect(run.errors.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x7F })
    }

    /// A row that the database refuses is named, and its neighbours of the same transaction go in.
    @Test func aRowThatTheDatabaseRefusesIsNamedByItsLine() async throws {
        let database = try await TestDatabase.make()
        try await database.run(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.context_id % 700 = 5 THEN RAISE EXCEPTION 'order % is not ours', NEW.context_id; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON market_chat.outbox FOR EACH ROW EXECUTE FUNCTION refuse();
            """)
        let file = Self.header + (1...2500).map { "ORDER,\($0)\n" }.joined()
        let run = try await database.operate("enqueue", "--business", "11", "--csv", "-", input: file)
        #expect(run.ending == .exited(1))
        #expect(run.output == "2496 new, 0 there already, 4 bad lines\n")
        for id in [5, 705, 1405, 2105] {
            #expect(
                run.errors.contains("line \(id + 1) was refused: order \(id) is not ours (SQLSTATE P0001)\n"),
                "\(run.errors)")
        }
        #expect(!run.errors.contains("CONTEXT") && !run.errors.contains("PL/pgSQL"))
        let one = try await database.operate("enqueue", "--business", "11", "--order", "5", "6")
        #expect(one.ending == .exited(1) && one.output.hasSuffix("0 new, 1 there already\n"), "\(one.output)")
        #expect(one.errors.contains("ORDER 5 was refused: order 5 is not ours"), "\(one.errors)")
    }

    /// A producer that inserts the same orders in another order is never the one that a deadlock ends.
    @Test func aProducerIsNeitherWaitedForLongNorEndedByADeadlock() async throws {
        let database = try await TestDatabase.make()
        let producer = try await database.anotherConnection()
        try await producer.execute(
            script:
                "BEGIN; INSERT INTO market_chat.outbox (business_id, context_type, context_id) VALUES (11, 'ORDER', 2)")
        let file = Self.header + (1...20).map { "ORDER,\($0)\n" }.joined()
        async let run = database.operate("enqueue", "--business", "11", "--csv", "-", input: file)
        try await waitUntil("the command waits for the producer") {
            try await database.number("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") > 0
        }
        let start = ContinuousClock.now
        try await producer.execute(
            script:
                "INSERT INTO market_chat.outbox (business_id, context_type, context_id) VALUES (11, 'ORDER', 1) ON CONFLICT DO NOTHING"
        )
        #expect(ContinuousClock.now - start < .milliseconds(900))
        let done = try await run
        try await producer.execute(script: "COMMIT")
        await producer.close()
        #expect(done.ending == .exited(1), "\(done.errors)")
        #expect(done.errors.contains("line 3 was refused: another session holds it"), "\(done.errors)")
        let again = try await database.operate("enqueue", "--business", "11", "--csv", "-", input: file)
        #expect(again.ending == .exited(0) && again.output.hasSuffix("20 there already\n"), "\(again.output)")
        #expect(try await database.number("SELECT count(*) FROM market_chat.outbox") == 20)
    }

    @Test func aKillInTheMiddleLosesNothingAndDoublesNothing() async throws {
        let database = try await TestDatabase.make()
        let directory = try ScratchDirectory()
        let file = try directory.write(Self.header + (1...30_000).map { "ORDER,\($0)\n" }.joined(), to: "orders.csv")
        let settings = DaemonSettings(
            ["enqueue", "--business", "11", "--csv", file], variables: ["DATABASE_URL": database.connectionString])
        let killed = try await withDaemon(settings) { daemon in
            try await waitUntil("some rows are in", every: .milliseconds(1)) {
                try await database.number("SELECT count(*) FROM market_chat.outbox") > 0
            }
            daemon.send(SIGKILL)
            return try await daemon.ending()
        }
        #expect(killed == .killed(by: SIGKILL))
        let before = try await database.number("SELECT count(*) FROM market_chat.outbox")
        #expect(before > 0 && before < 30_000 && before % 1000 == 0, "\(before) rows")
        let run = try await finish(settings)
        let rest = try await database.number("SELECT count(*) FROM market_chat.outbox") - before
        #expect(run.output == "\(rest) new, \(30_000 - rest) there already\n")
        #expect(try await database.number("SELECT count(DISTINCT context_id) FROM market_chat.outbox") == 30_000)
    }

    /// What comes through a pipe goes on at once, however slowly it comes.
    @Test func aSlowPipeKeepsNothingBack() async throws {
        let database = try await TestDatabase.make()
        var settings = DaemonSettings(
            ["enqueue", "--business", "11", "--csv", "-"], variables: ["DATABASE_URL": database.connectionString])
        settings.wrapper = ["sh", "-c", #"(printf 'context_type,context_id\nORDER,1\n'; sleep 60) | exec "$@""#, "sh"]
        try await withDaemon(settings) { _ in
            try await waitUntil("the first row is in") {
                try await database.number("SELECT count(*) FROM market_chat.outbox") == 1
            }
        }
    }

    @Test func onATerminalAFileHasABar() async throws {
        let database = try await TestDatabase.make()
        let directory = try ScratchDirectory()
        let file = try directory.write(Self.header + (1...5000).map { "ORDER,\($0)\n" }.joined(), to: "orders.csv")
        let run = try await database.operate("enqueue", "--business", "11", "--csv", file, isOnTerminal: true)
        #expect(run.output.contains("░") && run.output.contains("%"), "\(run.output)")
        #expect(run.output.contains("5000 new, 0 there already"))
    }

    @Test func aReaderThatGoesAwayIsNoDeath() async throws {
        let database = try await TestDatabase.make()
        var settings = DaemonSettings(
            ["enqueue", "--business", "11", "--order", "1"], variables: ["DATABASE_URL": database.connectionString])
        settings.wrapper = ["bash", "-c", #"set -o pipefail; "$@" | true"#, "bash"]
        #expect(try await finish(settings).ending == .exited(0))
        #expect(try await database.number("SELECT count(*) FROM market_chat.outbox") == 1)
    }
}
