import ChatOutbox
import Logging
import MarketAPI

/// How the daemon logs.
struct LogConfiguration: Sendable, Equatable {
    var level = Logger.Level.info
    var format = LogFormatChoice.auto
}

/// `CHATD_LOG_FORMAT`.
enum LogFormatChoice: String, CaseIterable, Sendable {
    case text, json, journal, auto
}

extension LogConfiguration {
    /// What can be understood of it, for messages about a configuration that is wrong.
    static func best(of environment: [String: String]) -> LogConfiguration {
        var values = ConfigurationValues(environment: environment)
        return values.logs()
    }
}
