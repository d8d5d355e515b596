public import Testing

/// So many tests run at a time, of all targets together.
///
/// Swift Testing starts all tests of a process at once. On a small machine they then starve each other, and those that
/// start daemons and servers starve everybody: a wait that should take milliseconds takes ten seconds.
public struct SeatsTrait: SuiteTrait, TestTrait, TestScoping {
    private static let seats = Seats(count: 5)

    public var isRecursive: Bool { true }

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        // A suite is no test: its tests take their own seats.
        guard testCase != nil else { return try await function() }
        await Self.seats.take()
        do {
            try await function()
            await Self.seats.leave()
        } catch {
            await Self.seats.leave()
            throw error
        }
    }
}

extension Trait where Self == SeatsTrait {
    /// Every suite has it.
    public static var seated: SeatsTrait { SeatsTrait() }
}

private actor Seats {
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

    func leave() {
        if queue.isEmpty { free += 1 } else { queue.removeFirst().resume() }
    }
}
