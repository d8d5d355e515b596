import ArgumentParser

/// `market-chatd-demo`: everything in one command.
@main
struct MarketChatdDemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "market-chatd-demo",
        abstract: "Shows market-chatd at work, on this machine alone, in about half a minute.",
        discussion: """
            It starts a private PostgreSQL in a temporary directory, an imitation of Yandex Market, and the real \
            market-chatd. A shop then writes orders and returns into tables of its own. Two triggers join those \
            tables to the outbox: the files in Config/examples, which you can adapt for yours. market-chatd asks the \
            Market for chats, and each chat ID arrives in the shop's table.

            The Market makes it hard: a part of its answers fails, is lost or of no use, some orders are not known yet \
            and some never, and each cabinet has a small quota. In the end the books of both sides are compared.

            Nothing leaves this machine, and nothing is left on it, not even after kill -9; only where something fails, \
            the daemon's log is kept, and you are told where. PostgreSQL's programs are found where Debian puts them \
            (apt-get install postgresql), root or not.

            EXAMPLES
              market-chatd-demo               watch it; the end is a list of checks
              market-chatd-demo --keep        then look around with psql, until Ctrl-C
              market-chatd-demo --quick       in a few seconds, for scripts and tests
              market-chatd-demo --seed 7      other numbers and other faults

            At a terminal the progress is drawn in place, elsewhere it is a line a second. NO_COLOR is honoured.

            EXIT CODES
              0 all checks hold   1 one of them fails, or it could not be tried   64 usage
              130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP
            """)

    @Option(
        help: .init(
            "Orders and returns together, 1 to \(DemoSettings.mostOrders). (default: \(DemoSettings.defaultOrders))",
            valueName: "N"))
    var orders: Int?
    @Option(help: .init("What every chance is drawn from.", valueName: "N")) var seed: UInt64 = 1
    @Option(help: .init("The program market-chatd. (default: beside this program)", valueName: "PATH"))
    var daemon: String?
    @Flag(help: "Fewer orders, shorter windows: a few seconds.") var quick = false
    @Flag(help: "Leave everything running after the end, until Ctrl-C. The exit code is then that of the checks.")
    var keep = false
    @Flag(help: "Write the summary as JSON to standard output, and the progress to standard error.") var json = false

    func validate() throws {
        guard let orders, !(1...DemoSettings.mostOrders).contains(orders) else { return }
        throw ValidationError("--orders \(orders): give 1 to \(DemoSettings.mostOrders)")
    }

    var settings: DemoSettings {
        DemoSettings(
            orders: orders ?? (quick ? DemoSettings.defaultQuickOrders : DemoSettings.defaultOrders), seed: seed,
            daemonPath: daemon, pace: quick ? .quick : .full, keeps: keep, isJSON: json)
    }

    func run() async throws {
        let environment = ProcessEnvironment.variables
        let settings = settings
        let terminal = Terminal(descriptor: settings.isJSON ? 2 : 1, environment: environment)
        do {
            let report = try await Interruption.watch(
                announce: { try? terminal.write("\nStopping market-chatd and removing everything.\n") }
            ) {
                try await Demo(settings: settings, terminal: terminal).run()
            }
            if settings.isJSON {
                let document = try SummaryDocument(report).text()
                try Terminal(descriptor: 1, environment: environment).write(document)
            }
            if !report.holds { throw ExitCode.failure }
        } catch let interruption as Interruption {
            throw ExitCode(interruption.exitCode)
        } catch let code as ExitCode {
            throw code
        } catch {
            try? Terminal(descriptor: 2, environment: environment).write("market-chatd-demo: \(error)\n")
            throw ExitCode.failure
        }
    }
}
