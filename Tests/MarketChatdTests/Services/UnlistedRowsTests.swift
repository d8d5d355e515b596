import ChatOutbox
import ChatSync
import Logging
import Synchronization
import TestSupport
import Testing

@testable import MarketChatd

/// Rows of cabinets that nobody is told to serve.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct UnlistedRowsTests {
    private static let alone = UnlistedBusiness(businessID: 404, rows: 3)

    /// What happens while the looks find this, one after the other.
    ///
    /// - Returns: the pauses before the looks, how many warnings there were after each, and what was counted last.
    private func found(
        _ looks: [[UnlistedBusiness]?]
    ) async throws -> (pauses: [Duration], warnings: [Int], last: [UnlistedBusiness]) {
        let clock = HurriedClock()
        let recorder = Recorder()
        let mayStart = Latch()
        mayStart.open()
        let warnings = Mutex<[Int]>([])
        let service = UnlistedRowsService(
            mayStart: mayStart,
            logger: Logger(label: "test", output: LogOutput { recorder.add($0) }, level: .info),
            clock: EngineClock(clock)
        ) { () async throws(OutboxError) in
            let number = warnings.withLock { warnings in
                warnings.append(recorder.all.count)
                return warnings.count - 1
            }
            guard number < looks.count else {
                withUnsafeCurrentTask { $0?.cancel() }
                throw .unavailable("the test is over")
            }
            guard let look = looks[number] else { throw .unavailable("away") }
            return look
        }
        try await service.run()
        return (clock.sleeps, Array(warnings.withLock { $0 }.dropFirst()), service.unlisted)
    }

    /// An instance that is just being started again is not there for a moment.
    @Test func onlyWhoIsFoundTwiceIsWarnedOfAndOnce() async throws {
        let result = try await found([[], [Self.alone], [Self.alone], [Self.alone]])
        #expect(result.warnings == [0, 0, 1, 1])
        #expect(result.pauses == [5, 60, 5, 60, 60].map { .seconds($0) })
        #expect(result.last == [Self.alone])
    }

    @Test func aRestartOfTheirInstanceIsNoReasonToWarn() async throws {
        let result = try await found([[Self.alone], [], [Self.alone], [], [Self.alone]])
        #expect(result.warnings == [0, 0, 0, 0, 0])
        #expect(result.last == [])
    }

    @Test func whoComesBackIsWarnedOfAgain() async throws {
        let result = try await found([[Self.alone], [Self.alone], [], [Self.alone], [Self.alone]])
        #expect(result.warnings == [0, 1, 1, 1, 2])
    }

    @Test func aDatabaseThatIsAwayChangesNothing() async throws {
        let result = try await found([[Self.alone], nil, [Self.alone], nil, [Self.alone]])
        #expect(result.warnings == [0, 0, 1, 1, 1])
        #expect(result.pauses == [5, 5, 60, 60, 60, 60].map { .seconds($0) })
        #expect(result.last == [Self.alone])
    }
}
