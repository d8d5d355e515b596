import MarketSandbox

/// What happens while everything runs: the shop trades, we watch, and in the end both sides are asked.
struct Stage: Sendable {
    let settings: DemoSettings
    let traffic: Traffic
    let database: ShopDatabase
    let sandbox: MarketSandboxServer
    let daemon: Daemon
    let output: Output

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
            let evidence = Evidence(traffic: traffic, rows: try await database.finalRows(), market: sandbox.state())
            return Report(evidence, seed: settings.seed, duration: duration)
        }
        if settings.keeps {
            try output.write(Summary.lines(report))
            try output.write(KeepHints.text(self))
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
        var display = ProgressDisplay(output: output)
        try output.write("\n")
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
