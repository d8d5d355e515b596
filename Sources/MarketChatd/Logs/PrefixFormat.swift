import Logging

/// The line for a journal that is reached through standard error: its priority in front, and no time, since the journal
/// has its own.
enum PrefixFormat {
    static func line(_ record: LogRecord) -> String {
        "<\(record.level.syslogPriority)>\(record.line)\n"
    }
}
