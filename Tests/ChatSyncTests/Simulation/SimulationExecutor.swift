import Harness
import Synchronization

/// Chance that comes again, from a seed, for many tasks.
final class SeededRandom: Sendable {
    private let generator: Mutex<SplitMix64>

    init(seed: UInt64) {
        generator = Mutex(SplitMix64(seed: seed))
    }

    /// 0..<1.
    func unit() -> Double {
        generator.withLock { $0.unit() }
    }

    /// 0..<bound.
    func below(_ bound: Int) -> Int {
        Int(generator.withLock { $0.next() } % UInt64(bound))
    }

    func chance(_ probability: Double) -> Bool { unit() < probability }

    func duration(_ range: ClosedRange<Duration>) -> Duration {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }
}

/// Runs all tasks that prefer it on the caller's thread, one job at a time, in an order that chance decides: so that
/// one seed is one interleaving, always the same.
final class SimulationExecutor: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])
    private let random: SeededRandom

    init(random: SeededRandom) {
        self.random = random
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// - Returns: false where nothing was ready to run.
    func runOneJob() -> Bool {
        let job = jobs.withLock { jobs -> UnownedJob? in
            guard !jobs.isEmpty else { return nil }
            return jobs.remove(at: random.below(jobs.count))
        }
        guard let job else { return false }
        job.runSynchronously(on: asUnownedTaskExecutor())
        return true
    }
}

/// Time that passes only when nothing else is left to do.
final class SimulatedClock: Clock {
    struct Instant: InstantProtocol {
        var sinceStart: Duration

        func advanced(by duration: Duration) -> Instant { Instant(sinceStart: sinceStart + duration) }
        func duration(to other: Instant) -> Duration { other.sinceStart - sinceStart }
        static func < (left: Instant, right: Instant) -> Bool { left.sinceStart < right.sinceStart }
    }

    private struct Sleeper {
        var id: Int
        var deadline: Instant
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = Instant(sinceStart: .zero)
        var sleepers: [Sleeper] = []
        var nextID = 0
    }

    private let state = Mutex(State())

    var now: Instant { state.withLock(\.now) }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = state.withLock { state -> Int in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state -> Bool in
                    if Task.isCancelled || deadline <= state.now { return true }
                    state.sleepers.append(Sleeper(id: id, deadline: deadline, continuation: continuation))
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            remove { $0.id == id }?.continuation.resume()
        }
        try Task.checkCancellation()
    }

    /// Goes on to the next sleeper's time and wakes it. Returns false where nobody sleeps.
    func advance() -> Bool {
        let next = state.withLock { state in
            state.sleepers.min { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
        }
        guard let next else { return false }
        state.withLock { $0.now = max($0.now, next.deadline) }
        remove { $0.id == next.id }?.continuation.resume()
        return true
    }

    private func remove(_ matches: (Sleeper) -> Bool) -> Sleeper? {
        state.withLock { state in
            state.sleepers.firstIndex(where: matches).map { state.sleepers.remove(at: $0) }
        }
    }
}
