import Logging

/// The line for people: `2026-09-09T15:18:00.123Z INFO     Chat created chat.id=34 outbox.id=12`.
enum TextFormat {
    static func line(_ record: LogRecord, at time: WallTime, isColoured: Bool) -> String {
        let level = record.level.rawValue.uppercased()
        let padded = level + String(repeating: " ", count: 8 - level.count)
        guard isColoured else { return "\(time.rfc3339) \(padded) \(record.line)\n" }
        return "\u{1B}[2m\(time.rfc3339)\u{1B}[0m \(colour(of: record.level))\(padded)\u{1B}[0m \(record.line)\n"
    }

    private static func colour(of level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "\u{1B}[2m"
        case .info: "\u{1B}[32m"
        case .notice: "\u{1B}[36m"
        case .warning: "\u{1B}[33m"
        case .error: "\u{1B}[31m"
        case .critical: "\u{1B}[1;31m"
        }
    }
}
