import Glibc
import Harness
import LibPQ
import MarketSandbox
import PrivatePostgres
import TestSupport
import Testing

/// From the start on: what ends a daemon, what it waits for, and what it tells meanwhile.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct LifeTests {
    /// Where nobody listens.
    private static let market = "http://127.0.0.1:1"

    @Test(arguments: [
        "postgresql://u:abCD1234/xyz9@h/db", "postgresql://u:p@ss-word@h/db", "postgresql://u:abCD@1234xyz/rest9@h/db",
        "postgresql://u:%zzsecret@h/db", "host=h password='un closed", "postgresql://u:a:b@h:port9/db",
    ])
    func aMistypedAddressEndsWithItsCureAndShowsNothingOfIt(url: String) async throws {
        let settings = DaemonSettings.run(database: url, market: Self.market)
        for arguments in [["run"], ["check"], ["status"], ["migrate"], ["run", "--dry-run"]] {
            var settings = settings
            settings.arguments = arguments
            let run = try await finish(settings)
            #expect(run.ending == .exited(78), "\(arguments): \(run.errors)")
            let said = run.errors + run.output
            #expect(said.contains("DATABASE_URL"), "\(arguments): \(said)")
            let parts = ["abCD", "1234", "xyz9", "ss-word", "rest9", "zzsecret", "un closed", "a:b"]
            for part in parts { #expect(!said.contains(part), "\(arguments): \(said)") }
        }
    }

    /// 78 is for whoever starts it. A daemon that has waited goes on waiting: nobody may be there to start it again.
    @Test func whatComesAfterAnOutageIsWaitedFor() async throws {
        let cluster = try await PrivatePostgres.start()
        do {
            let url = try await cluster.createDatabase()
            try await cluster.stop(.immediate)
            try await withSandbox { sandbox in
                let settings = DaemonSettings.run(database: url, market: sandbox.url)
                try await withDaemon(settings) { daemon in
                    try await daemon.log.line("Waiting for the database")
                    try await cluster.start()
                    let line = try await daemon.log.line("Database is of no use until somebody acts")
                    #expect(
                        line.level == "error" && line.fields["error.message"]?.contains("market-chatd migrate") == true)
                    let migration = try await finish(DaemonSettings(["migrate"], variables: ["DATABASE_URL": url]))
                    #expect(migration.ending == .exited(0), "\(migration.errors)")
                    try await daemon.log.line("Business owned")
                    #expect(try await daemon.drain() == .exited(0))
                }
            }
        } catch {
            await cluster.stopAndRemove()
            throw error
        }
        await cluster.stopAndRemove()
    }

    @Test func aStartThatEndsInAMistakeIsNotCalledReady() async throws {
        let database = try await TestDatabase.makeEmpty()
        let manager = try ServiceManagerSocket()
        let settings = DaemonSettings.run(
            database: database.connectionString, market: Self.market, ["NOTIFY_SOCKET": manager.path])
        let run = try await finish(settings)
        #expect(run.ending == .exited(78))
        var heard: [String] = []
        while let text = manager.receive() { heard.append(text) }
        #expect(!heard.contains { $0.contains("READY=1") }, "\(heard)")
    }

    @Test func anAddressThatIsNotThereHoldsUpNoOrder() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            let settings = DaemonSettings.run(database, sandbox, ["CHATD_HTTP_LISTEN": "192.0.2.1:9464"])
            try await withDaemon(settings) { daemon in
                let line = try await daemon.log.line("Cannot listen")
                #expect(line.fields["http.address"] == "192.0.2.1:9464")
                try await database.insert(1...3)
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }

    @Test func aMissingPrivilegeIsSevenSevenAndItsGrantMendsIt() async throws {
        let database = try await TestDatabase.make()
        let role = "poor_\(database.name)"
        try await database.run(
            """
            CREATE ROLE \(role) LOGIN;
            GRANT USAGE ON SCHEMA market_chat TO \(role);
            GRANT SELECT ON ALL TABLES IN SCHEMA market_chat TO \(role);
            """)
        let settings = DaemonSettings.run(
            database: database.connectionString(user: role), market: Self.market,
            ["CHATD_RETENTION": "1d", "CHATD_LOG_FORMAT": "text"])
        let run = try await finish(settings)
        #expect(run.ending == .exited(77), "\(run.errors)")
        #expect(run.errors.contains("\(role)@local/\(database.name)"), "\(run.errors)")
        let words = run.errors.split(separator: ";").compactMap { part in
            part.firstRange(of: "GRANT ").map { String(part[$0.lowerBound...]) }
        }
        #expect(words.contains { $0.hasPrefix("GRANT DELETE ON market_chat.outbox") }, "\(words)")
        for grant in words { try await database.run(grant) }
        try await withDaemon(settings.with(["CHATD_LOG_FORMAT": "json"])) { daemon in
            try await daemon.log.line("Business owned")
            #expect(try await daemon.drain() == .exited(0))
        }
    }

    @Test func rowsOfACabinetThatNobodyServesAreWarnedOf() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...3, business: 404)
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                let line = try await daemon.log.line("Rows wait for cabinets that MARKET_BUSINESS_IDS does not name")
                #expect(line.level == "warning" && line.fields["businesses"] == "404 (3 rows)")
                #expect(try await daemon.get("/metrics").body.contains("market_chatd_unlisted_rows 3\n"))
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }

    /// Whoever has SQL alone, as a shop's application does.
    @Test func aProducerReadsWhyItsRowsWaitAndUntilWhen() async throws {
        let database = try await TestDatabase.make()
        try await database.run(Repository.text(of: "Config/roles.sql"))
        let role = "shop_\(database.name)"
        try await database.run("CREATE ROLE \(role) LOGIN IN ROLE market_chat_producer")
        let producer = try await PostgresConnection.connect(
            PostgresConfiguration(connectionString: database.connectionString(user: role)))
        let why = """
            SELECT string_agg(concat_ws('|', w.reason, w.next_try_at > now(), b.held_until > now()), ';')
            FROM market_chat.waiting w JOIN market_chat.business b USING (business_id)
            """
        func reason() async throws -> String {
            try await producer.query(PostgresStatement(why))[0].decode("string_agg", as: String?.self) ?? ""
        }
        var market = SandboxOptions()
        market.quota = 1
        market.window = .seconds(3600)
        try await withSandbox(market) { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await database.insert(1...2)
                try await waitUntil("the quota's end is told") { try await reason().hasPrefix("held: quota") }
                #expect(try await reason().hasSuffix("|t|t"))
                #expect(try await daemon.drain() == .exited(0))
            }
        }
        try await database.run("DELETE FROM market_chat.business")
        // Nobody listens there.
        try await withDaemon(.run(database: database.connectionString, market: Self.market)) { daemon in
            try await waitUntil("the circuit is told") { try await reason().hasPrefix("held: circuit") }
            #expect(try daemon.log.text().contains(#""retry.in":""#))
            for match in try daemon.log.text().matches(of: /"retry\.in":"([^"]*)"/) {
                #expect(try #/[0-9]+(\.[0-9])? (ms|s|min)/#.wholeMatch(in: match.1) != nil, "\(match.1)")
            }
            #expect(try await daemon.drain() == .exited(0))
        }
        await producer.close()
    }

    @Test func aReloadSaysThatTheEnvironmentFileTakesARestart() async throws {
        let database = try await TestDatabase.make()
        let folder = try ScratchDirectory()
        let path = folder.path + "/chatd.env"
        _ = try folder.write("MARKET_API_KEY=\(SandboxKey.defaultToken)\n", to: "chatd.env")
        try await withSandbox { sandbox in
            let settings = DaemonSettings.run(database, sandbox).with(["MARKET_API_KEY": nil])
                .with(arguments: "run", "--env-file", path)
            try await withDaemon(settings) { daemon in
                try await daemon.log.line("Business owned")
                daemon.send(SIGHUP)
                try await daemon.log.line("Key files read again")
                #expect(try !daemon.log.says("The environment file has changed"))
                _ = try folder.write("MARKET_API_KEY=ACMA:another-secret:0\n", to: "chatd.env")
                daemon.send(SIGHUP)
                let line = try await daemon.log.line("The environment file has changed")
                #expect(line.fields["keys"] == "MARKET_API_KEY")
                #expect(try !daemon.log.text().contains("another-secret"))
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }

    @Test func aDryRunNeedsNoKeyAndTellsOfAHold() async throws {
        let database = try await TestDatabase.make()
        try await database.insert(1...2)
        try await database.run(
            """
            INSERT INTO market_chat.business (business_id, hold_reason, held_until)
            VALUES (11, 'migration: 423', now() + interval '10 minutes')
            """)
        let settings = DaemonSettings.run(database: database.connectionString, market: Self.market)
            .with(["MARKET_API_KEY": nil]).with(arguments: "run", "--dry-run")
        let run = try await finish(settings)
        #expect(run.ending == .exited(0), "\(run.errors)")
        #expect(run.output.hasPrefix("business 11: 2 due, but held for"), "\(run.output)")
        #expect(!run.output.contains("POST"), "nothing would be sent")
        // Whoever starts tries what its predecessor found out for itself.
        try await database.run("UPDATE market_chat.business SET hold_reason = 'circuit: ORDER: 5 failures in a row'")
        let open = try await finish(settings)
        #expect(open.output.contains(#"{"context":{"type":"ORDER","id":1}}"#), "\(open.output)")
    }

    @Test func aRowThatHasBeenDueForEverEndsNobody() async throws {
        let database = try await TestDatabase.make()
        try await database.run("SELECT market_chat.enqueue(11, 'ORDER', 1, due_at => '-infinity')")
        try await database.insert(2...3)
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await database.untilSettled()
                #expect(try await daemon.get("/metrics").body.contains("market_chatd_due_to_settled_seconds_count 2\n"))
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }

    @Test func aPersonEndsAHold() async throws {
        let database = try await TestDatabase.make()
        var market = SandboxOptions()
        market.quota = 2
        market.window = .seconds(3600)
        try await withSandbox(market) { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await database.insert(1...5)
                try await daemon.log.line("Quota used up")
                try await waitUntil("the window is used") { try await database.count("created") == 2 }
                let before = sandbox.state(withContexts: false).requests
                let resume = try await finish(
                    DaemonSettings(
                        ["resume", "--business", "11", "--now"], variables: ["DATABASE_URL": database.connectionString])
                )
                #expect(resume.ending == .exited(0), "\(resume.errors)")
                try await waitUntil("one row is tried") { sandbox.state(withContexts: false).requests > before }
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }
}
