import ChatOutbox
import Synchronization
import TestSupport
import Testing

@testable import ChatSync
@testable import MarketChatd

/// The database is asked only when somebody looks, seldom, one at a time, and nobody waits for one that hangs.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct OverviewReaderTests {
    private static let empty = OutboxOverview(businesses: [])

    /// Runs a reader beside `body`.
    private func with(_ reader: OverviewReader, _ body: @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reader.run() }
            try await body()
            group.cancelAll()
        }
    }

    @Test func manyWhoLookAtOnceCostOneRead() async throws {
        let reads = Mutex(0)
        let reader = OverviewReader { () async throws(OperatorError) in
            reads.withLock { $0 += 1 }
            return Self.empty
        }
        try await with(reader) {
            let parts = await withTaskGroup(of: StatusReport.DatabasePart.self) { group in
                for _ in 0..<50 { group.addTask { await reader.part() } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(parts.allSatisfy { $0.overview == Self.empty && $0.problem == nil && $0.age != nil })
            _ = await reader.part()
            #expect(reads.withLock { $0 } == 1)
        }
    }

    @Test func nobodyWhoLooksMeansNoRead() async throws {
        let reads = Mutex(0)
        let reader = OverviewReader { () async throws(OperatorError) in
            reads.withLock { $0 += 1 }
            return Self.empty
        }
        try await with(reader) {
            for _ in 0..<100 { await Task.yield() }
            #expect(reader.lastPart == .unread)
            #expect(reads.withLock { $0 } == 0)
        }
    }

    @Test func aFailureIsToldAndNotTriedAgainAtOnce() async throws {
        let reads = Mutex(0)
        let reader = OverviewReader { () async throws(OperatorError) in
            reads.withLock { $0 += 1 }
            throw .unavailable("refused")
        }
        try await with(reader) {
            let first = await reader.part()
            #expect(first.problem == "refused" && first.overview == nil && first.age == nil)
            _ = await reader.part()
            #expect(reads.withLock { $0 } == 1)
        }
    }

    @Test func whatWasReadBeforeStaysWithItsAgeAndNobodyWaitsAnyMore() async throws {
        let clock = SteppedClock()
        let gate = Latch()
        let reads = Mutex(0)
        let reader = OverviewReader(clock: clock.engineClock) { () async throws(OperatorError) in
            let read = reads.withLock { reads in
                reads += 1
                return reads
            }
            switch read {
            case 1: return Self.empty
            case 2: throw .unavailable("refused")
            default:
                await gate.wait()
                return Self.empty
            }
        }
        try await with(reader) {
            _ = await reader.part()
            clock.advance(by: OverviewReader.freshFor)
            let second = await reader.part()
            #expect(second.overview == Self.empty && second.problem == "refused")
            #expect(second.age == OverviewReader.freshFor)
            clock.advance(by: OverviewReader.freshFor)
            // The third read hangs; since the second failed, this does not wait for it.
            let third = await reader.part()
            #expect(third.age == OverviewReader.freshFor * 2 && third.problem == "refused")
            gate.open()
        }
    }
}

/// A clock that stands until it is moved; whoever sleeps on it sleeps for ever.
private final class SteppedClock: Sendable {
    private let time = Mutex(Duration.zero)

    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    struct Steps: Clock {
        let owner: SteppedClock
        var now: Instant { Instant(offset: owner.time.withLock { $0 }) }
        var minimumResolution: Duration { .zero }
        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            await Latch().wait()
        }
    }

    var engineClock: EngineClock { EngineClock(Steps(owner: self)) }

    func advance(by duration: Duration) {
        time.withLock { $0 += duration }
    }
}
