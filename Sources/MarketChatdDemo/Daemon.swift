import Subprocess

/// The real `market-chatd`, as a child process.
struct Daemon: Sendable {
    let program: String
    let settings: DaemonSettings
    /// A directory that is removed when this process ends, however it ends.
    let directory: String

    var logFile: String { directory + "/market-chatd.log" }
    /// The configuration once more, for whoever looks around with `market-chatd run --dry-run --env-file …`.
    var environmentFile: String { directory + "/market-chatd.env" }

    /// How long the daemon may take to end after SIGTERM: more than its own drain timeout.
    private static let patienceToStop = Duration.seconds(10)
    private static let patienceToMigrate = Duration.seconds(30)
    private static let outputLimit = 1 << 20

    /// How the daemon ended when it was asked to.
    enum Ending: Sendable, Equatable {
        case drained
        case other(String)
    }

    /// Runs `market-chatd migrate` to its end, and returns what it said.
    ///
    /// - Parameter databaseURL: of a role that may create the schema; the daemon's own may not.
    func migrate(as databaseURL: String) async throws -> String {
        try DemoFile.write(settings.fileText, to: environmentFile)
        let late = DemoFailure("market-chatd migrate did not end within 30 s; run it by hand to see where it waits")
        return try await Waits.atMost(Self.patienceToMigrate, else: late) {
            let result = try await Subprocess.run(
                configuration(["migrate"], databaseURL: databaseURL), output: .string(limit: Self.outputLimit),
                error: .combinedWithOutput)
            guard result.terminationStatus.isSuccess else {
                let words = result.standardOutput
                throw DemoFailure(
                    "market-chatd migrate failed (\(Self.text(result.terminationStatus))) "
                        + (words.isEmpty ? "and said nothing; is \(program) market-chatd?" : "and said:\n\(words)"))
            }
            return result.standardOutput
        }
    }

    /// Runs `market-chatd run` while `body` runs, and stops it as systemd does: SIGTERM, and SIGKILL where that is not
    /// enough.
    ///
    /// - Throws: what `body` throws, or why the daemon ended before `body`.
    func whileRunning<R: Sendable>(
        _ body: @escaping @Sendable () async throws -> R
    ) async throws -> (result: R, ending: Ending) {
        try await withThrowingTaskGroup(of: Step<R>.self) { group in
            group.addTask {
                let result = try await Subprocess.run(
                    configuration(["run"], log: logFile), output: .discarded, error: .discarded)
                return .ended(result.terminationStatus)
            }
            group.addTask { .done(try await body()) }
            defer { group.cancelAll() }
            let first = try await group.next()
            if case .ended(let status)? = first {
                try Task.checkCancellation()
                throw DemoFailure("market-chatd run ended by itself (\(Self.text(status))); its log says why")
            }
            guard case .done(let result)? = first else { throw CancellationError() }
            group.cancelAll()
            guard case .ended(let status)? = try await group.next() else { throw CancellationError() }
            return (result, status.isSuccess ? .drained : .other(Self.text(status)))
        }
    }

    private enum Step<R: Sendable>: Sendable {
        case done(R)
        case ended(TerminationStatus)
    }

    /// `setpriv --pdeathsig` lets the kernel end the daemon when this process is gone, even after a kill -9: nothing is
    /// left that would go on sending. (swift-subprocess starts all children from a thread that lives as long as the
    /// process; the signal follows the thread.) A process group of its own keeps Ctrl-C at the terminal away from it: we
    /// tell it to stop, once.
    private func configuration(
        _ arguments: [String], log: String? = nil, databaseURL: String? = nil
    ) -> Configuration {
        var words = ["--pdeathsig", "KILL"]
        if let log { words += ["sh", "-c", #"log=$1; shift; exec "$@" >"$log" 2>&1"#, "demo", log] }
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: Self.patienceToStop)]
        var environment = settings.environment(inheriting: ProcessEnvironment.variables)
        if let databaseURL { environment["DATABASE_URL"] = databaseURL }
        return Configuration(
            executable: .name("setpriv"),
            // Named, so that the file of a daemon that is installed on this machine is not read as well.
            arguments: Arguments(words + [program] + arguments + ["--env-file", environmentFile]),
            environment: .custom(Dictionary(uniqueKeysWithValues: environment.map { (Self.key($0), $1) })),
            platformOptions: options)
    }

    /// Never `nil`: it is made from any text.
    private static func key(_ name: String) -> Environment.Key { Environment.Key(rawValue: name)! }

    private static func text(_ status: TerminationStatus) -> String {
        switch status {
        case .exited(let code): "exit code \(code)"
        case .signaled(let signal): "signal \(signal)"
        }
    }
}
