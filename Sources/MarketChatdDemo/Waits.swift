import Glibc

/// The one place that waits and reads clocks.
enum Waits {
    /// - Throws: `CancellationError` where the task is cancelled meanwhile.
    static func pause(_ duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }

    /// Comes back when the task is cancelled.
    static func untilCancelled() async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }

    /// Cancels `body` after `limit`.
    ///
    /// - Throws: what `late` makes, where `body` was not in time.
    static func atMost<R: Sendable>(
        _ limit: Duration, else late: @autoclosure @escaping @Sendable () -> DemoFailure,
        _ body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        try await withThrowingTaskGroup(of: R.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await pause(limit)
                throw late()
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }

    /// Seconds since 1970: the sandbox's quota windows end at whole ones.
    static var secondsSince1970: Double {
        var time = timespec()
        guard clock_gettime(CLOCK_REALTIME, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Counts from its making.
struct Stopwatch: Sendable {
    private let start = ContinuousClock.now

    var elapsed: Duration { ContinuousClock.now - start }
}

extension Duration {
    /// `12.5 s`.
    var inTenths: String {
        let tenths = Int((self / .milliseconds(100)).rounded())
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
