import Glibc
import Harness
import MarketSandbox
import Subprocess

/// The real `market-chatd`, as a child process.
struct DemoDaemon: Sendable {
    let program: String
    let settings: Settings
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
        do {
            // For us alone: it holds an API key, though one that opens the sandbox only.
            try TextFile.write(settings.fileText, to: environmentFile, mode: 0o600)
        } catch let error as TextFile.Failure {
            throw DemoFailure("\(error); is /tmp full or closed to you?")
        }
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

    /// A process group of its own keeps Ctrl-C at the terminal away from it: we tell it to stop, once.
    private func configuration(
        _ arguments: [String], log: String? = nil, databaseURL: String? = nil
    ) -> Configuration {
        // Named, so that the file of a daemon that is installed on this machine is not read as well.
        var words = [program] + arguments + ["--env-file", environmentFile]
        if let log { words = ChildCommand.writing(words, to: log) }
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: Self.patienceToStop)]
        var environment = settings.environment(inheriting: ProcessEnvironment.variables)
        if let databaseURL { environment["DATABASE_URL"] = databaseURL }
        return Configuration(
            executable: .name("env"), arguments: Arguments(ChildCommand.endingWithParent(words)),
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

extension DemoDaemon {
    /// How the daemon is configured: by its environment, as in production.
    struct Settings: Sendable {
        /// In the order in which a person would write them.
        private let variables: KeyValuePairs<String, String>
        /// Where `/status.json` is.
        let httpURL: String

        init(databaseURL: String, marketURL: String, httpPort: Int, pace: Pace) {
            let address = "127.0.0.1:\(httpPort)"
            httpURL = "http://\(address)"
            variables = [
                "DATABASE_URL": databaseURL,
                "MARKET_BUSINESS_IDS": Traffic.businesses.map { "\($0.id)" }.joined(separator: ","),
                "MARKET_API_KEY": SandboxKey.defaultToken,
                "MARKET_API_URL": marketURL,
                "MARKET_MAX_PARALLEL": "\(DemoSettings.maxParallel)",
                "CHATD_RETRY_BASE": pace.retryBase,
                "CHATD_RETRY_MAX": pace.retryMax,
                "CHATD_NOT_FOUND_PATIENCE": pace.notFoundPatience,
                "CHATD_DRAIN_TIMEOUT": "3s",
                "CHATD_HTTP_LISTEN": address,
                "CHATD_LOG_LEVEL": "debug",
                "CHATD_LOG_FORMAT": "text",
            ]
        }

        /// The environment of a child: ours, without what would configure another daemon or lead to another database.
        func environment(inheriting own: [String: String]) -> [String: String] {
            let foreign = ["PG", "MARKET_", "CHATD_", "DATABASE_URL", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY"]
            var result = own.filter { name, _ in
                !foreign.contains { name.hasPrefix($0) } && name.first?.isNumber == false
            }
            for (name, value) in variables { result[name] = value }
            return result
        }

        /// The same as an env file. None of the values holds a quote or a backslash.
        var fileText: String { variables.map { "\($0.key)=\"\($0.value)\"\n" }.joined() }
    }
}

/// Where `market-chatd` is.
enum DaemonProgram {
    static let name = "market-chatd"

    /// - Parameter path: as the user named it; `nil`: beside this program, where a build puts it.
    static func find(_ path: String?) throws -> String {
        if let path {
            guard isExecutable(path) else {
                throw DemoFailure("--daemon \(path): there is no program that may be run; name the file market-chatd")
            }
            return path
        }
        let besideUs = ProcessTable.ownDirectory + "/" + name
        guard isExecutable(besideUs) else {
            throw DemoFailure(
                "there is no \(besideUs): build it with `swift build --product \(name)`, or say where it is with "
                    + "--daemon PATH")
        }
        return besideUs
    }

    private static func isExecutable(_ path: String) -> Bool {
        var facts = stat()
        return access(path, X_OK) == 0 && stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
    }
}

/// The environment of this process.
enum ProcessEnvironment {
    static var variables: [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let parts = String(cString: pointer).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return result
    }
}

/// Finds ports that nobody listens on.
enum FreePort {
    /// A port of 127.0.0.1 that was free a moment ago.
    static func find() throws -> Int {
        let socket = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw failure }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, size) == 0 && getsockname(socket, $0, &size) == 0
            }
        }
        guard isBound else { throw failure }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static var failure: DemoFailure {
        DemoFailure("cannot have a port of 127.0.0.1: \(String(cString: strerror(errno))); is the loopback device up?")
    }
}
