import Glibc
import Harness
import MarketSandbox
import PrivatePostgres
import TestSupport
import Testing

/// The Market tells of the cabinets that it has.
private let market: SandboxOptions = {
    var market = SandboxOptions()
    market.businesses = [SandboxBusiness(id: 11), SandboxBusiness(id: 12)]
    return market
}()

/// `check`, `status` and `healthcheck`, as an operator calls them.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct CheckTests {
    @Test func allIsWell() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox(market) { sandbox in
            let check = try await finish(.run(database, sandbox).with(arguments: "check"))
            #expect(check.ending == .exited(0), "\(check.output) \(check.errors)")
            let names = check.output.split(separator: "\n").map { $0.prefix { $0 != ":" } }
            #expect(
                names == [
                    "ok    configuration", "ok    database", "ok    schema", "ok    privileges", "ok    session",
                    "ok    API key", "ok    cabinets",
                ])
            #expect(sandbox.state(withContexts: false).requests == 2, "the key and the shops: it creates no chat")
            let json = try await finish(.run(database, sandbox).with(arguments: "check", "--json"))
            #expect(json.output.hasPrefix(#"{"ok":true,"checks":[{"name":"configuration","ok":true,"#))
        }
    }

    @Test func eachMistakeHasItsLineAndTheFirstToMendDecidesTheExitCode() async throws {
        let database = try await TestDatabase.makeEmpty()
        try await withSandbox(market) { sandbox in
            let settings = DaemonSettings.run(database, sandbox, businesses: [11]).with(arguments: "check")
            let wrong = try await finish(settings.with(["MARKET_API_KEY": "ACMA:wrong:0"]))
            #expect(wrong.ending == .exited(78))
            #expect(wrong.output.contains("ok    database: postgres@local/\(database.name), PostgreSQL "))
            #expect(wrong.output.contains("FAIL  schema: postgres@local/\(database.name): "), "\(wrong.output)")
            #expect(wrong.output.contains("-     privileges: not looked at until the schema is as it has to be"))
            #expect(wrong.output.contains("-     cabinets: not looked at until the key is good"))
            #expect(wrong.output.contains("market-chatd migrate"))
            #expect(wrong.output.contains("FAIL  API key: ") && wrong.output.contains("401"), "\(wrong.output)")
            #expect(!wrong.output.contains("ACMA:wrong"))
            let nowhere = "host=/nonexistent dbname=shop user=shopkeeper"
            let away = try await finish(settings.with(["DATABASE_URL": nowhere]))
            #expect(away.ending == .exited(1), "\(away.output)")
            #expect(away.output.contains("FAIL  database: shopkeeper@local/shop: "), "\(away.output)")
            #expect(away.output.contains("      cure: start the server, or mend host and port in DATABASE_URL"))
            #expect(away.output.contains("ok    API key: "))
            let offline = settings.with(["MARKET_API_URL": "http://127.0.0.1:1"])
            let noMarket = try await finish(offline)
            #expect(
                noMarket.output.contains("FAIL  API key: the key of cabinet 11: no connection: connection refused\n"),
                "\(noMarket.output)")
        }
    }

    @Test func whatCannotBeLookedAtIsSaid() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox(market) { sandbox in
            let settings = DaemonSettings.run(database, sandbox).with(["MARKET_BUSINESS_IDS": "none"])
            let check = try await finish(settings.with(arguments: "check"))
            #expect(check.ending == .exited(78))
            #expect(check.output.contains("ok    privileges: "), "\(check.output)")
            let away = try await finish(
                settings.with(["DATABASE_URL": "host=/nonexistent"]).with(arguments: "check"))
            for name in ["schema", "privileges", "session"] {
                #expect(away.output.contains("-     \(name): not looked at until the database can be used\n"))
            }
            for name in ["API key", "cabinets"] {
                #expect(check.output.contains("-     \(name): not looked at until the configuration is mended\n"))
            }
        }
    }

    @Test func aMissingPrivilegeIsALineAndItsGrantIsTheCure() async throws {
        let database = try await TestDatabase.make()
        let role = "checked_\(database.name)"
        try await database.run("CREATE ROLE \(role) LOGIN")
        try await withSandbox(market) { sandbox in
            let settings = DaemonSettings.run(database, sandbox)
                .with(["DATABASE_URL": database.connectionString(user: role)])
            let check = try await finish(settings.with(arguments: "check", "--json"))
            #expect(check.ending == .exited(77))
            #expect(
                check.output.contains(
                    #"{"name":"privileges","ok":false,"skipped":false,"detail":"\#(role)@local/\#(database.name): "#),
                "\(check.output)")
            #expect(
                check.output.contains(
                    #""cure":"as the schema's owner, say: GRANT USAGE ON SCHEMA market_chat TO \#(role); "#))
            #expect(check.output.contains(#"{"name":"schema","ok":false,"skipped":true,"#))
            try await database.run("GRANT USAGE ON SCHEMA market_chat TO \(role)")
            let next = try await finish(settings.with(arguments: "check"))
            #expect(next.ending == .exited(77) && next.output.contains("ok    database: "), "\(next.output)")
            for grant in [
                "SELECT ON market_chat.migration", "SELECT ON market_chat.outbox", "INSERT ON market_chat.attempt",
            ] {
                #expect(next.output.contains("GRANT \(grant) TO \(role);"), "\(next.output)")
            }
        }
    }

    @Test func aCabinetThatTheKeyDoesNotSeeIsNamed() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox(market) { sandbox in
            let check = try await finish(
                .run(database, sandbox, businesses: [11, 999_999]).with(arguments: "check"))
            #expect(check.ending == .exited(78), "\(check.output)")
            #expect(check.output.contains("the key does not see cabinet 999999"), "\(check.output)")
            #expect(!check.output.contains("see cabinet 11\n"))
        }
    }

    @Test func offlineItLooksAtTheConfigurationAndTheKeyFilesAlone() async throws {
        let folder = try ScratchDirectory()
        let path = folder.path + "/key"
        let settings = DaemonSettings.run(database: "host=/nonexistent dbname=shop", market: "http://127.0.0.1:1")
            .with(["MARKET_API_KEY": nil, "MARKET_API_KEY_FILE": path]).with(arguments: "check", "--offline")
        let missing = try await finish(settings)
        #expect(missing.ending == .exited(78))
        #expect(missing.output.contains("FAIL  configuration: MARKET_API_KEY_FILE"), "\(missing.output)")
        _ = try folder.write("ACMA:good:0\n", to: "key")
        #expect(try await finish(settings).ending == .exited(0))
        _ = try folder.write("two words\n", to: "key")
        let broken = try await finish(settings)
        #expect(broken.ending == .exited(78) && !broken.output.contains("two words"), "\(broken.output)")
        // A pipe into which nobody writes.
        #expect(unlink(path) == 0 && mkfifo(path, 0o600) == 0)
        let pipe = try await finish(settings)
        #expect(pipe.ending == .exited(78) && pipe.output.contains("is empty"), "\(pipe.output)")
    }

    @Test func whoWatchesInAPipeSeesEachReportAtOnceAndErrorsBesideIt() async throws {
        let database = try await TestDatabase.make()
        let settings = DaemonSettings.run(database: database.connectionString, market: "http://127.0.0.1:1")
        try await withDaemon(settings.with(arguments: "status", "--watch")) { status in
            try await waitUntil("a second report is there") {
                try status.standardOutput().split(separator: "\n").count { $0.hasPrefix("BUSINESS") } >= 2
            }
            #expect(try !status.standardOutput().contains("\u{1B}"))
        }
        var full = settings.with(arguments: "status", "--watch")
        full.wrapper = ["sh", "-c", #"exec "$@" >/dev/full"#, "sh"]
        let ended = try await finish(full)
        #expect(ended.ending == .exited(1) && ended.errors.contains("No space left on device"), "\(ended.errors)")
        let away = settings.with(["DATABASE_URL": "host=/nonexistent dbname=shop"])
        try await withDaemon(away.with(arguments: "status", "--watch", "--json")) { status in
            try await status.log.line("The database is not available", count: 2)
            #expect(try status.standardOutput() == "")
        }
    }

    @Test func statusTellsWhoServesWhatAndWhatWentWrong() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox(market) { sandbox in
            let settings = DaemonSettings.run(database, sandbox, businesses: [11, 12])
            let status = settings.with(arguments: "status")
            let before = try await finish(status)
            #expect(before.ending == .exited(0) && before.output.contains("no owner"), "\(before.output)")
            try await withDaemon(settings) { daemon in
                try await daemon.log.line("Business owned", count: 2)
                try await database.insert(1...3)
                try await database.untilSettled()
                try await database.run("UPDATE market_chat.business SET paused = true WHERE business_id = 12")
                let text = try await finish(status)
                #expect(text.ending == .exited(0), "\(text.errors)")
                let lines = text.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
                #expect(lines[0].first == "BUSINESS")
                let eleven = try #require(lines.first { $0.first == "11" })
                #expect(eleven[1].hasSuffix(":\(daemon.pid)"), "the owner's host and process: \(text.output)")
                #expect(eleven.contains("idle") && eleven.contains("3"), "\(text.output)")
                #expect(text.output.contains("market-chatd resume --business 12"))
                let json = try await finish(status.with(arguments: "status", "--json"))
                #expect(json.output.contains(#""business_id":11"#) && json.output.contains(#""created_24h":3"#))
                let health = try await finish(
                    settings.with(["CHATD_HTTP_LISTEN": "127.0.0.1:\(try await daemon.listener().port)"])
                        .with(arguments: "healthcheck"))
                #expect(health.ending == .exited(0), "\(health.errors)")
                #expect(try await daemon.drain() == .exited(0))
            }
            let nobody = try await finish(
                settings.with(["CHATD_HTTP_LISTEN": "127.0.0.1:1"]).with(arguments: "healthcheck"))
            #expect(nobody.ending == .exited(1) && nobody.errors.contains("does not answer"), "\(nobody.errors)")
            #expect(nobody.errors.contains("does not answer: Connection refused: is it running?"), "\(nobody.errors)")
        }
    }
}
