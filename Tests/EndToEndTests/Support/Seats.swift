import Testing

/// So many whole-process tests at a time: each runs several processes, and all at once would only wait for each other.
struct SeatsTrait: SuiteTrait, TestTrait, TestScoping {
    private static let seats = Seats(count: 4)

    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
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
    /// Every suite of whole-process tests has it.
    static var seated: SeatsTrait { SeatsTrait() }
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
