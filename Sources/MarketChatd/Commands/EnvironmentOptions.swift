import ArgumentParser
import Glibc

/// `--env-file`, which every command has.
struct EnvironmentOptions: ParsableArguments {
    @Option(
        name: .customLong("env-file"),
        help: ArgumentHelp(
            "Read the configuration from this file, as systemd would. The process environment wins over it.",
            discussion: "Default: \(EnvironmentLoader.standardPath), where it exists and is readable.",
            valueName: "path"))
    var environmentFile: String?

    /// Reads the environment and the file, and does `work` with them. What fails is told, and becomes the exit code.
    func load(_ work: (EnvironmentLoader) async throws(CommandFailure) -> Void) async throws {
        // A reader of our output that goes away is an error of the write, not a death.
        signal(SIGPIPE, SIG_IGN)
        let process = EnvironmentLoader.ofProcess
        var loaded: EnvironmentLoader?
        try await CommandReport.run(environment: process) { () async throws(CommandFailure) in
            loaded = try EnvironmentLoader(path: environmentFile, processEnvironment: process)
        }
        guard let loader = loaded else { return }
        loader.apply()
        try await CommandReport.run(environment: loader.environment) { () async throws(CommandFailure) in
            try await work(loader)
        }
    }
}
