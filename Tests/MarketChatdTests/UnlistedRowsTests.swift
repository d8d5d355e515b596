import ChatOutbox
import Logging
import Synchronization
import TestSupport
import Testing

@testable import ChatSync
@testable import MarketChatd

/// Rows of cabinets that nobody serves.
@Suite(.concurrencyLimited, .timeLimit(.minutes(5))) struct UnlistedRowsTests {
    /// A clock on which each sleep is over at once.
    private struct HurriedClock: Clock {
        let minimumResolution = Duration.zero
        var now: ContinuousClock.Instant { .now }

        func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    @Test func aRestartOfTheirInstanceIsNoReasonToWarn() async throws {
        let alone = UnlistedBusiness(businessID: 5, rows: 7, hasOwner: false)
        let restarted = UnlistedBusiness(businessID: 6, rows: 1, hasOwner: false)
        let served = UnlistedBusiness(businessID: 6, rows: 1, hasOwner: true)
        let looks = Mutex([
            [alone, restarted], [alone, served], [alone, served], [alone, restarted], [alone, served],
        ])
        let isOver = Latch()
        let warnings = Mutex<[String]>([])
        let logger = Logger(
            label: "test",
            output: LogOutput { record in warnings.withLock { $0.append(record.line) } }, level: .warning)
        let mayStart = Latch()
        mayStart.open()
        let service = UnlistedRowsService(
            businessIDs: [11], mayStart: mayStart, logger: logger, clock: EngineClock(HurriedClock())
        ) { () async throws(OutboxError) in
            looks.withLock { looks in
                if looks.count == 1 { isOver.open() }
                return looks.isEmpty ? [alone, served] : looks.removeFirst()
            }
        }
        await withTaskGroup { group in
            group.addTask { try? await service.run() }
            await isOver.wait()
            group.cancelAll()
        }
        let told = warnings.withLock { $0 }
        #expect(told.count == 1 && told[0].contains("5 (7 rows)"), "\(told)")
        #expect(service.unlisted == [alone])
    }
}
