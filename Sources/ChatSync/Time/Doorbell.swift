import Synchronization

/// Wakes one waiting task. A ring while nobody waits is kept, so none is lost; two rings are as good as one.
final class Doorbell: Sendable {
    private enum State {
        case quiet
        case rung
        case awaited(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.quiet)

    /// Wakes the task that waits, or the next one that comes to wait.
    func ring() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { if case .awaited = state { state = .quiet } else { state = .rung } }
            guard case .awaited(let waiter) = state else { return nil }
            return waiter
        }
        waiter?.resume()
    }

    /// Returns at a ring, at `deadline`, or when the task is cancelled. One task at a time may wait.
    func wait(until deadline: Moment, on clock: EngineClock) async {
        if takeRing() { return }
        await withTaskGroup { group in
            group.addTask { await clock.sleep(until: deadline) }
            group.addTask { await self.waitForRing() }
            await group.next()
            group.cancelAll()
        }
    }

    /// Returns at a ring or when the task is cancelled.
    func waitUntilCancelled() async {
        await waitForRing()
    }

    /// Forgets a ring that nobody has heard.
    func silence() {
        _ = takeRing()
    }

    private func takeRing() -> Bool {
        state.withLock { state in
            guard case .rung = state else { return false }
            state = .quiet
            return true
        }
    }

    private func waitForRing() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state -> Bool in
                    if case .rung = state {
                        state = .quiet
                        return true
                    }
                    if Task.isCancelled { return true }
                    state = .awaited(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
                guard case .awaited(let waiter) = state else { return nil }
                state = .quiet
                return waiter
            }
            waiter?.resume()
        }
    }
}
