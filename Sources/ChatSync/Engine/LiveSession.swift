import ChatOutbox
import Synchronization

/// One open session with the outbox, from its opening to its loss. Two are told apart by identity.
final class LiveSession: Sendable {
    let outbox: any OutboxSession
    private let problem = Mutex<String?>(nil)
    private let lost = WakeSignal()

    init(_ outbox: any OutboxSession) {
        self.outbox = outbox
    }

    /// Somebody found out that it is of no more use.
    func fail(_ error: OutboxError) {
        problem.withLock { $0 = $0 ?? error.text }
        lost.signal()
    }

    /// Why it was lost; `nil` where nobody said so.
    var failure: String? { problem.withLock { $0 } }

    /// Returns when it is lost, or when the task is cancelled.
    func untilLost() async {
        await lost.wait()
    }
}
