import Foundation
import Glibc
import Synchronization

/// Threads beside those of Swift's tasks: what never waits would starve all that do. They give way to everybody else, so
/// that tests beside them keep their time.
enum Threads {
    /// Runs `work` on so many threads at a time, and returns when all have come back.
    static func run(_ count: Int, _ work: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            let left = Left(count, continuation)
            for _ in 0..<count {
                Thread.detachNewThread {
                    // Of this thread alone, on Linux.
                    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
                    work()
                    left.isBack()
                }
            }
        }
    }

    private final class Left: Sendable {
        private let count: Atomic<Int>
        private let continuation: CheckedContinuation<Void, Never>

        init(_ count: Int, _ continuation: CheckedContinuation<Void, Never>) {
            self.count = Atomic(count)
            self.continuation = continuation
        }

        func isBack() {
            if count.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { continuation.resume() }
        }
    }
}
