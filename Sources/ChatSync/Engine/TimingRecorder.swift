import Synchronization

/// Where all parts of one engine count.
final class TimingRecorder: Sendable {
    private let timings = Mutex(EngineTimings())

    var current: EngineTimings { timings.withLock { $0 } }

    func add(_ duration: Duration, to histogram: any WritableKeyPath<EngineTimings, DurationHistogram> & Sendable) {
        timings.withLock { $0[keyPath: histogram].add(seconds: duration / .seconds(1)) }
    }
}
