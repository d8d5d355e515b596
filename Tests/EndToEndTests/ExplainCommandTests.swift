import TestSupport
import Testing

/// `market-chatd explain`, and what all commands of an operator have in common.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct ExplainCommandTests {
    @Test func aRejectedRowsStoryNamesWhatHappenedAndWhatMendsIt() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...1)
        try await database.run(
            """
            UPDATE market_chat.outbox SET state = 'rejected', settled_at = now(), attempts = 2, last_error = '400 BAD: DBS';
            INSERT INTO market_chat.attempt (outbox_id, http_status, code, message, trace_id, verdict) VALUES
                (1, 500, NULL, 'oops', '00-aa-bb-01', 'backoff'), (1, 400, 'BAD', 'DBS', '00-cc-dd-01', 'rejected')
            """)
        let run = try await database.operate("explain", "--id", "1")
        #expect(run.ending == .exited(0), "\(run.errors)")
        for text in [
            "Row 1: ORDER 1 of business 11\nrejected: it will not be asked for again\n", "Attempts    2\n",
            "Last error  400 BAD: DBS\n", "00-aa-bb-01", "00-cc-dd-01", "put off", "The Market will not create a chat",
            "market-chatd retry --id 1\n",
        ] { #expect(run.output.contains(text), "\(run.output)") }
        #expect(!run.output.contains("\u{1B}"))
        let coloured = try await database.operate("explain", "--id", "1", isOnTerminal: true)
        #expect(coloured.output.contains("\u{1B}[1;31mrejected"), "\(coloured.output)")
        let json = try members(
            try await database.operate("explain", "--business", "11", "--order", "1", "--json").output)
        #expect(json["state"] == .text("rejected") && json["waiting"] == .null && json["attempts"] == .number(2))
        guard case .list(let exchanges)? = json["exchanges"], case .object(let last)? = exchanges.last else {
            Issue.record("\(json)")
            return
        }
        #expect(last["trace_id"] == .text("00-cc-dd-01") && last["http_status"] == .number(400))
        #expect(exchanges.count == 2)
    }

    @Test func aWaitingRowSaysHowManyGoBeforeIt() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...5)
        try await database.insert(6...8, priority: 3)
        try await database.run("UPDATE market_chat.outbox SET due_at = now() + interval '1 day' WHERE context_id = 8")
        try await database.insert(9...9, business: 12)
        #expect(try await database.operate("explain", "--id", "1").errors == "", "it is no standby")
        for (id, before) in [(1, 2), (5, 6), (6, 0), (7, 1), (9, 0)] {
            let json = try members(try await database.operate("explain", "--id", "\(id)", "--json").output)
            guard case .object(let waiting)? = json["waiting"] else {
                Issue.record("row \(id): \(json)")
                return
            }
            #expect(waiting["rows_before"] == .number(Double(before)), "row \(id)")
            #expect(waiting["reason"] == .text("no owner") && waiting["next_try_in_seconds"] == .null)
            #expect(json["not_found_for_seconds"] == .null)
        }
    }

    /// On the installed machine a command has the daemon's own `DATABASE_URL`, and no more than `Config/roles.sql` gives.
    @Test(arguments: [
        ["status"], ["explain", "--id", "1"], ["retry", "--id", "1"], ["pause", "--business", "11"],
        ["resume", "--business", "11", "--now"], ["migrate", "--check"],
    ])
    func theDaemonsRoleSufficesForAPerson(arguments: [String]) async throws {
        let database = try await TestDatabase.make()
        try await database.run(Repository.text(of: "Config/roles.sql"))
        try await database.insert(1...1)
        let url = database.connectionString(user: "market_chatd")
        let run = try await finish(DaemonSettings(arguments, variables: ["DATABASE_URL": url]))
        #expect(run.ending == .exited(0), "\(run.errors)")
    }

    @Test func timesThatNeverComeAreNoErrors() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...3)
        try await database.run(
            """
            UPDATE market_chat.outbox SET due_at = 'infinity', not_found_since = '-infinity' WHERE id = 1;
            UPDATE market_chat.outbox SET due_at = '-infinity', not_found_since = 'infinity' WHERE id = 2;
            UPDATE market_chat.outbox SET created_at = '-infinity', due_at = '0044-03-15 BC' WHERE id = 3
            """)
        for id in 1...3 {
            let run = try await database.operate("explain", "--id", "\(id)")
            #expect(run.ending == .exited(0), "\(run.errors)")
            #expect(id == 3 || run.output.contains("infinity"), "\(run.output)")
        }
        #expect(try await database.operate("retry", "--id", "1", "2", "3").ending == .exited(0))
    }

    @Test func hostileTextsReachNoTerminal() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...1)
        try await database.run(
            """
            UPDATE market_chat.outbox SET last_error = E'\\x1B]0;owned\\x07' || repeat('long ', 100000);
            INSERT INTO market_chat.attempt (outbox_id, code, message, trace_id, verdict) VALUES
                (1, E'\\x1B[2J', E'a\\r\\nb\\x08' || repeat('x', 100000), E'\\u202Etrace', E'new\\x1B[31m')
            """)
        for isOnTerminal in [false, true] {
            let run = try await database.operate("explain", "--id", "1", isOnTerminal: isOnTerminal)
            #expect(run.ending == .exited(0), "\(run.errors)")
            #expect(
                !run.output.contains("\u{1B}[2J") && !run.output.contains("\u{1B}]") && !run.output.contains("\u{8}"))
            #expect(!run.output.contains("\u{202E}") && run.output.utf8.count < 10_000)
        }
        let json = try await database.operate("explain", "--id", "1", "--json")
        #expect(!json.output.contains("\u{1B}"))
        #expect(try members(json.output)["last_error"] != .null, "all of it, for programs")
    }

    @Test func aRowThatIsNotThereMayBeNearby() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(5...5, type: "RETURN")
        try await database.insert(5...5, business: 12)
        try await database.run("INSERT INTO market_chat.business (business_id) VALUES (12)")
        let run = try await database.operate("explain", "--business", "11", "--order", "5")
        #expect(run.ending == .exited(1) && run.output == "")
        for text in [
            "there is no ORDER 5 of business 11 in postgres@local/\(database.name)",
            "there is RETURN 5 of business 11: market-chatd explain --id 1",
            "there is ORDER 5 of business 12: market-chatd explain --id 2",
            "market-chatd enqueue --business 11 --order 5",
        ] { #expect(run.errors.contains(text), "\(run.errors)") }
        #expect(try await database.operate("explain", "--id", "77").ending == .exited(1))
        for arguments in [["--id", "1", "--business", "11"], ["--business", "11"], ["--order", "5"], []] {
            let run = try await finish(
                DaemonSettings(["explain"] + arguments, variables: ["DATABASE_URL": database.connectionString]))
            #expect(run.ending == .exited(64), "\(arguments)")
        }
    }

    // MARK: All commands

    private static let commands: [[String]] = [
        ["enqueue", "--business", "11", "--order", "2"], ["enqueue", "--business", "11", "--csv", "FILE"],
        ["explain", "--id", "1"], ["retry", "--id", "1"],
        ["retry", "--business", "11", "--all-rejected", "--yes"], ["pause", "--business", "11"],
        ["resume", "--business", "11", "--now"],
    ]

    /// Each message's GRANT, pasted, brings the command further, until it can do its work, with no right too many.
    @Test(arguments: commands) func theGRANTOfTheMessageMendsIt(arguments: [String]) async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...1)
        let role = "\(database.name)_guest-1"
        try await database.run("CREATE ROLE \"\(role)\" LOGIN")
        let directory = try ScratchDirectory()
        let file = try directory.write("context_type,context_id\nORDER,3\n", to: "orders.csv")
        let settings = DaemonSettings(
            arguments.map { $0 == "FILE" ? file : $0 },
            variables: ["DATABASE_URL": database.connectionString(user: role)])
        for _ in 1...4 {
            let run = try await finish(settings)
            if run.ending == .exited(0) { return }
            #expect(run.ending == .exited(77), "\(run.errors)")
            #expect(run.errors.contains("\(role)@local/\(database.name): permission denied"), "\(run.errors)")
            let grants = try #require(run.errors.split(separator: "say: ").dropFirst().first, "\(run.errors)")
            try await database.run(String(grants.prefix { $0 != "\n" }))
        }
        Issue.record("four GRANTs were not enough")
    }

    @Test(arguments: commands) func aDatabaseWithoutTheSchemaNamesWhatIsToBeDone(arguments: [String]) async throws {
        let database = try await TestDatabase.makeEmpty()
        let directory = try ScratchDirectory()
        let file = try directory.write("context_type,context_id\nORDER,3\n", to: "orders.csv")
        let run = try await finish(
            DaemonSettings(
                arguments.map { $0 == "FILE" ? file : $0 }, variables: ["DATABASE_URL": database.connectionString]))
        #expect(run.ending == .exited(78), "\(run.errors)")
        #expect(run.errors.contains("market-chatd migrate"), "\(run.errors)")
        let away = try await finish(
            DaemonSettings(
                arguments.map { $0 == "FILE" ? file : $0 },
                variables: ["DATABASE_URL": "host=/nonexistent dbname=shop password=hunter2"]))
        #expect(away.ending == .exited(1), "\(away.errors)")
        #expect(away.errors.contains("The database is not available") && !away.errors.contains("hunter2"))
    }

    @Test(arguments: ["enqueue", "explain", "retry", "pause", "resume"])
    func helpTeachesByExamples(command: String) async throws {
        let run = try await finish(DaemonSettings([command, "--help"]))
        #expect(run.ending == .exited(0))
        #expect(run.output.contains("EXAMPLE") && run.output.contains("--json"))
    }
}
