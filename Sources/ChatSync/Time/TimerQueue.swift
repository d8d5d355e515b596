import HeapModule
import Synchronization

/// All timers of an engine: one for each key, and one loop that waits for the earliest. However many there are, those
/// that are far away cost nothing.
final class TimerQueue: Sendable {
    /// The loop turns at least this often, which shows that it lives.
    static let longestSleep = Duration.seconds(10)

    private struct Entry: Comparable {
        var moment: Moment
        var key: Int

        static func < (left: Entry, right: Entry) -> Bool {
            (left.moment, left.key) < (right.moment, right.key)
        }
    }

    private struct State {
        /// May hold entries that are no longer meant: ``moments`` says which are.
        var heap = Heap<Entry>()
        var moments: [Int: Moment] = [:]
        /// For when sleeps are under way, none of which can be taken back before its time.
        var sleeps: Set<Moment> = []
        var lastTurn: Moment
    }

    private let clock: EngineClock
    private let signal = WakeSignal()
    private let state: Mutex<State>

    init(clock: EngineClock) {
        self.clock = clock
        state = Mutex(State(lastTurn: clock.now))
    }

    /// When the loop last turned.
    var lastTurn: Moment { state.withLock(\.lastTurn) }

    /// Sets the timer of this key, in place of the one that it had; `nil`: none.
    func set(_ key: Int, _ moment: Moment?) {
        let isEarlier = state.withLock { state -> Bool in
            state.moments[key] = moment
            guard let moment else { return false }
            state.heap.insert(Entry(moment: moment, key: key))
            if state.heap.count > 2 * state.moments.count + 64 {
                state.heap = Heap(state.moments.map { Entry(moment: $0.value, key: $0.key) })
            }
            return state.sleeps.allSatisfy { moment < $0 }
        }
        if isEarlier { signal.signal() }
    }

    /// Calls `fire` for each timer whose time has come, until the task is cancelled.
    func run(_ fire: @Sendable (_ key: Int) async -> Void) async {
        await withDiscardingTaskGroup { sleepers in
            while !Task.isCancelled {
                let now = clock.now
                let (due, wakeAt) = takeDue(now: now)
                for key in due { await fire(key) }
                if let wakeAt {
                    sleepers.addTask {
                        await self.clock.sleep(until: wakeAt)
                        self.state.withLock { _ = $0.sleeps.remove(wakeAt) }
                        self.signal.signal()
                    }
                }
                await signal.wait()
            }
            sleepers.cancelAll()
        }
    }

    /// - Returns: the keys whose time has come, and until when to sleep where no sleep under way ends as early.
    private func takeDue(now: Moment) -> (due: [Int], wakeAt: Moment?) {
        state.withLock { state in
            state.lastTurn = now
            var due: [Int] = []
            while let first = state.heap.min, first.moment <= now || state.moments[first.key] != first.moment {
                state.heap.removeMin()
                guard state.moments[first.key] == first.moment else { continue }
                state.moments[first.key] = nil
                due.append(first.key)
            }
            let next = min(state.heap.min?.moment ?? now + Self.longestSleep, now + Self.longestSleep)
            guard state.sleeps.allSatisfy({ next < $0 }) else { return (due, nil) }
            state.sleeps.insert(next)
            return (due, next)
        }
    }
}
