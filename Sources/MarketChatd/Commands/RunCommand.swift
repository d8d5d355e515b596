import ArgumentParser
import Glibc

/// `market-chatd run`: the daemon.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Settle due rows as they come, until SIGTERM or Ctrl-C.",
        discussion: """
            Waits for rows of market_chat.outbox, creates their chats on the Market, and writes the chat IDs back. \
            SIGTERM and Ctrl-C drain: no more rows are taken, calls in flight are finished. SIGHUP reads the key files \
            again. Nothing is lost by a kill.

            CONFIGURATION (environment, or the environment file)
            \(keys)
              MARKET_API_KEY_<businessId>, and …_FILE of any MARKET_API_KEY, are keys too.
              Durations are written 500ms, 5s, 15m, 1h. The file market-chatd.env.example tells more.
            """)

    @OptionGroup var environmentOptions: EnvironmentOptions
    @Flag(help: "Settle what is due now, then end. Fails if something stands in the way, such as a pause.")
    var once = false
    @Flag(help: "Print what would be sent now, in order; send and write nothing. Needs no API key.")
    var dryRun = false

    func run() async throws {
        try await environmentOptions.load { loader throws(CommandFailure) in
            if dryRun {
                let configuration = try loader.configuration { environment throws(ConfigurationErrors) in
                    try DryRunConfiguration.read(environment: environment)
                }
                try loader.requireDatabase()
                try await DryRun(configuration: configuration).print(warnings: loader.warnings)
            } else {
                let configuration = try loader.configuration { environment throws(ConfigurationErrors) in
                    try Configuration.read(environment: environment, reader: .disk)
                }
                let daemon = Daemon(
                    configuration: configuration, environment: loader.environment, isOnce: once,
                    environmentFile: loader.watch)
                try await daemon.run(warnings: loader.warnings)
            }
        }
    }

    /// Each key with its default, as lines.
    private static var keys: String {
        let width = ConfigurationKey.allCases.map(\.rawValue.count).max() ?? 0
        return ConfigurationKey.allCases.map { key in
            let padding = String(repeating: " ", count: width - key.rawValue.count)
            return "  \(key.rawValue)\(padding)  \(key.summary)\(key.defaultText.map { " [\($0)]" } ?? "")"
        }.joined(separator: "\n")
    }
}
