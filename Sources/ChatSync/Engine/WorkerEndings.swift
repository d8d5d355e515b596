import Synchronization

/// How the workers ended, and when all have.
final class WorkerEndings: Sendable {
    private let count: Int
    private let endings = Mutex<[Int64: WorkerEnding]>([:])
    private let changed = WakeSignal()

    init(count: Int) {
        self.count = count
    }

    var areAll: Bool { endings.withLock { $0.count } >= count }

    func add(_ ending: WorkerEnding, of businessID: Int64) {
        endings.withLock { $0[businessID] = ending }
        changed.signal()
    }

    /// Waits until all have ended, or the task is cancelled.
    ///
    /// - Returns: what was left, for people.
    func all() async -> [String] {
        while !areAll, !Task.isCancelled { await changed.wait() }
        let left = endings.withLock { endings in
            endings.compactMap { businessID, ending in
                if case .left(let why) = ending { "business \(businessID): \(why)" } else { nil }
            }
        }
        return left.sorted()
    }
}
