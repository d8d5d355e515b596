import Synchronization

@testable import MarketChatd

/// Keeps what was logged.
final class Recorder: Sendable {
    private let records = Mutex<[LogRecord]>([])

    func add(_ record: LogRecord) { records.withLock { $0.append(record) } }

    var all: [LogRecord] { records.withLock { $0 } }
}
