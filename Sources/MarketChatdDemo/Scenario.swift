import MarketSandbox
import PrivatePostgres
import Synchronization

/// What happens while everything runs: the shop trades, we watch, and in the end both sides are asked.
struct Scenario: Sendable {
    let settings: DemoSettings
    let traffic: Traffic
    let database: ShopDatabase
    let sandbox: MarketSandboxServer
    let daemon: DemoDaemon
    let terminal: Terminal

    /// Between two transactions of the shop.
    private static let tradePause = Duration.milliseconds(200)
    /// Between two looks at the database.
    private static let lookPause = Duration.milliseconds(400)
    /// Beyond the patience for the rows: nothing here may hang.
    private static let spare = Duration.seconds(30)

    func play() async throws -> Report {
        let late = DemoFailure("the database did not answer in time; is this machine very busy?")
        let report = try await Waits.atMost(settings.pace.patience + Self.spare, else: late) {
            let duration = try await tradeAndWatch()
            let verification = Verification(
                traffic: traffic, rows: try await database.finalRows(), market: sandbox.state())
            return Report(verification, seed: settings.seed, duration: duration)
        }
        if settings.keeps {
            try terminal.write(Summary.lines(report))
            try terminal.write(KeepHints.text(self))
            await Waits.untilCancelled()
        }
        return report
    }

    /// - Returns: how long it took until everything was settled, or until patience was over.
    private func tradeAndWatch() async throws -> Duration {
        let watch = Stopwatch()
        let placed = PlacedCount()
        return try await withThrowingTaskGroup(of: Duration?.self) { group in
            group.addTask {
                try await trade(watch, placed)
                return nil
            }
            group.addTask { try await look(watch, placed) }
            var duration = Duration.zero
            for try await end in group { duration = end ?? duration }
            return duration
        }
    }

    /// The shop's own transactions, as the orders come in.
    private func trade(_ watch: Stopwatch, _ placed: PlacedCount) async throws {
        var rest = traffic.rows[...]
        while !rest.isEmpty {
            let now = watch.elapsed
            let due = rest.prefix { $0.arrival <= now }
            if !due.isEmpty {
                try await database.insert(Array(due))
                placed.add(due.count { $0.entry != .rolledBack })
                rest = rest.dropFirst(due.count)
            }
            try await Waits.pause(Self.tradePause)
        }
    }

    private func look(_ watch: Stopwatch, _ placed: PlacedCount) async throws -> Duration {
        var display = ProgressDisplay(terminal: terminal)
        try terminal.write("\n")
        while true {
            let snapshot = try await database.snapshot()
            let progress = Progress(
                elapsed: watch.elapsed, expected: traffic.lasting.count, placed: placed.value, snapshot: snapshot,
                market: sandbox.state(withContexts: false), secondsSince1970: Waits.secondsSince1970)
            let isOver = progress.isComplete || progress.elapsed >= settings.pace.patience
            try display.show(progress, isLast: isOver)
            if isOver { return progress.elapsed }
            try await Waits.pause(Self.lookPause)
        }
    }
}

/// How many rows the shop has written so far.
private final class PlacedCount: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    func add(_ rows: Int) { count.add(rows, ordering: .relaxed) }
}

/// What there is to look at while everything keeps running.
private enum KeepHints {
    static func text(_ scenario: Scenario) -> String {
        let postgres = scenario.database.postgres.connectionString(database: ShopDatabase.name)
        let daemon = scenario.daemon
        return """

            Everything keeps running until Ctrl-C. From another terminal:

              psql '\(postgres)'
                TABLE shop.orders;  TABLE market_chat.outbox;  TABLE market_chat.attempt;
              curl \(daemon.settings.httpURL)/status.json
              curl '\(scenario.sandbox.url)/sandbox/state?contexts=no'
              \(daemon.program) run --dry-run --env-file \(daemon.environmentFile)
              tail -f \(daemon.logFile)

            An order of your own, in psql; a moment later it has its chat ID:

              INSERT INTO shop.orders (business_id, id, status) VALUES (\(sample), 'NEEDS_CHAT');
              SELECT * FROM shop.orders WHERE (business_id, id) = (\(sample));

            """
    }

    private static var sample: String { "\(Traffic.businesses[0].id), 4711" }
}
