import MarketSandbox
import PrivatePostgres

/// The whole demonstration, from an empty directory to a report; whatever it starts is gone when it is over.
struct Demo: Sendable {
    let settings: DemoSettings
    let terminal: Terminal

    private static let patienceToStart = Duration.seconds(90)

    func run() async throws -> Report {
        let program = try DaemonProgram.find(settings.daemonPath)
        try terminal.write("Starting a private PostgreSQL, an imitation of the Market and market-chatd.\n")
        let late = DemoFailure("the private PostgreSQL did not start within 90 s; is this machine very busy?")
        let postgres = try await Waits.atMost(Self.patienceToStart, else: late) { try await PrivatePostgres.start() }
        do {
            let report = try await run(program, on: postgres)
            await postgres.stopAndRemove()
            return report
        } catch {
            await postgres.stopAndRemove()
            throw error
        }
    }

    private func run(_ program: String, on postgres: PrivatePostgres) async throws -> Report {
        let version = try await postgres.psql(script: "SHOW server_version").prefix { $0 != " " && $0 != "\n" }
        try tell("PostgreSQL \(version)", postgres.directory)
        let database = try await ShopDatabase.create(in: postgres)
        let traffic = Traffic(settings)
        return try await withSandbox(SandboxOptions(demonstrating: traffic, settings)) { sandbox in
            try tell("Market", "\(sandbox.url), \(settings.quota) requests per \(settings.pace.quotaWindow.inTenths)")
            let daemon = try DemoDaemon(
                program: program,
                settings: DemoDaemon.Settings(
                    databaseURL: postgres.connectionString(
                        database: ShopDatabase.name, user: EmbeddedSQL.daemonRole),
                    marketURL: sandbox.url, httpPort: FreePort.find(), pace: settings.pace),
                directory: postgres.directory)
            try tell("migrate", try await daemon.migrate(as: postgres.connectionString(database: ShopDatabase.name)))
            try await database.connectToOutbox()
            try tell("triggers", "shop.orders and shop.returns are joined to market_chat.outbox, see Config/examples")
            let scenario = Scenario(
                settings: settings, traffic: traffic, database: database, sandbox: sandbox, daemon: daemon,
                terminal: terminal)
            return try await run(daemon, scenario)
        }
    }

    private func run(_ daemon: DemoDaemon, _ scenario: Scenario) async throws -> Report {
        let log = DaemonLog(path: daemon.logFile)
        do {
            try tell("market-chatd", "\(daemon.settings.httpURL), its log is \(daemon.logFile)")
            var (report, ending) = try await daemon.whileRunning { try await scenario.play() }
            report.checks.append(Self.check(ending))
            if settings.keeps {
                try terminal.write(Summary.check(Self.check(ending)))
            } else {
                try terminal.write(Summary.lines(report))
            }
            if !report.holds { try terminal.write("\n" + log.epitaph()) }
            return report
        } catch let failure as DemoFailure {
            throw DemoFailure("\(failure)\n\(log.epitaph())")
        } catch let failure as PrivatePostgresError {
            throw DemoFailure("\(failure)\n\(log.epitaph())")
        }
    }

    private static func check(_ ending: DemoDaemon.Ending) -> Check {
        switch ending {
        case .drained: Check("market-chatd drained and ended when it was told to", "SIGTERM", [])
        case .other(let status): Check("market-chatd drained and ended when it was told to", "SIGTERM", [status])
        }
    }

    private func tell(_ what: String, _ text: String) throws {
        let lines = text.split(separator: "\n")
        for (index, line) in lines.enumerated() {
            try terminal.write([StyledLine("  " + (index == 0 ? what : "").left(18), .faint) + StyledLine(String(line))]
            )
        }
    }
}

/// Why the demonstration cannot go on: the cause, and the cure.
struct DemoFailure: Error, Sendable, CustomStringConvertible {
    let message: String

    init(_ message: String) {
        self.message = message
    }

    var description: String { message }
}
