// A build that links Swift's libraries statically has no Testing, and runs no tests either.
#if canImport(Testing)
    public import Testing

    /// So many tests run at a time, of all targets together.
    ///
    /// Swift Testing starts all tests of a process at once. On a small machine they then starve each other, and those that
    /// start daemons and servers starve everybody: a wait that should take milliseconds takes ten seconds.
    public struct ConcurrencyLimit: SuiteTrait, TestTrait, TestScoping {
        private static let permits = Permits(count: 5)

        public var isRecursive: Bool { true }

        public func provideScope(
            for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
        ) async throws {
            // A suite is no test: its tests take their own permits.
            guard testCase != nil else { return try await function() }
            await Self.permits.take()
            do {
                try await function()
                await Self.permits.giveBack()
            } catch {
                await Self.permits.giveBack()
                throw error
            }
        }
    }

    extension Trait where Self == ConcurrencyLimit {
        /// Every suite has it.
        public static var concurrencyLimited: ConcurrencyLimit { ConcurrencyLimit() }
    }

    /// A counting semaphore whose waiters are served in the order in which they came.
    private actor Permits {
        private var free: Int
        private var queue: [CheckedContinuation<Void, Never>] = []

        init(count: Int) {
            free = count
        }

        func take() async {
            if free > 0 {
                free -= 1
            } else {
                await withCheckedContinuation { queue.append($0) }
            }
        }

        func giveBack() {
            if queue.isEmpty { free += 1 } else { queue.removeFirst().resume() }
        }
    }
#endif
