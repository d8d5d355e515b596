import ChatOutbox
import TestSupport
import Testing

@testable import ChatSync
@testable import MarketChatd

@Suite(.concurrencyLimited) struct StatusLineTests {
    private let now = WallTime(seconds: 1_788_967_080, milliseconds: 800)

    private func status(
        _ businesses: [BusinessStatus], phase: EngineStatus.Phase = .running,
        database: EngineStatus.Database = .connected
    ) -> EngineStatus {
        EngineStatus(phase: phase, database: database, businesses: businesses, isMakingProgress: true)
    }

    private func business(_ id: Int64, _ change: (inout BusinessStatus) -> Void = { _ in }) -> BusinessStatus {
        var business = BusinessStatus(businessID: id)
        business.isOwned = true
        change(&business)
        return business
    }

    private func text(_ status: EngineStatus) -> String { StatusLine.text(for: status, at: now) }

    @Test func atWorkItSaysWhatIsDueAndWhatIsLeft() {
        let first = business(1) {
            $0.due = 5
            $0.oldestDueFor = .milliseconds(4200)
            $0.quota = .init(limit: 1000, remaining: 987, resetsIn: .milliseconds(59_400))
        }
        let second = business(2) {
            $0.due = 7
            $0.oldestDueFor = .seconds(1)
            $0.quota = .init(limit: 1000, remaining: 999, resetsIn: .seconds(10))
        }
        let end = WallTime(seconds: now.seconds + 60).localTimeOfDay
        #expect(text(status([first, second])) == "2 businesses, 12 due, oldest 4 s, 987/1000 left until \(end)")
    }

    @Test func idleItSaysNoMoreThanThat() {
        #expect(text(status([business(1)])) == "1 business, 0 due")
    }

    @Test func whatIsPutOffIsNotHiddenByNothingDue() {
        #expect(text(status([business(1) { $0.nextDueIn = .seconds(7200) }])) == "1 business, 0 due, next in 2 h")
    }

    @Test func aCountThatIsALowerBoundHasAPlus() {
        let one = business(1) {
            $0.due = 1000
            $0.dueIsAtLeast = true
            $0.oldestDueFor = .seconds(12_000)
            $0.inFlight = 2
        }
        #expect(text(status([one])) == "1 business, 1000+ due, oldest 3 h 20 min, 2 in flight")
    }

    @Test func whatOthersOwnAndWhatIsHeldOrPausedShows() {
        let held = business(1) { $0.hold = .init(kind: .quota, reason: "quota", endsIn: .seconds(300)) }
        let other = business(2) { $0.isOwned = false }
        let paused = business(3) { $0.isPaused = true }
        #expect(
            text(status([held, other, paused]))
                == "2 of 3 businesses, 0 due, 1 paused, business 1 held for 5 min: quota")
        #expect(text(status([other])) == "Standing by: another instance owns 1 business")
    }

    @Test func beforeTheFirstClaimNobodyElseIsSaidToBeTheOwner() {
        var status = status([business(1) { $0.isOwned = false }])
        status.databaseFor = .milliseconds(100)
        #expect(text(status) == "Connected, looking for businesses without an owner")
        status.databaseFor = .seconds(3)
        #expect(text(status) == "Standing by: another instance owns 1 business")
    }

    @Test func aDatabaseThatIsAwayShowsItsReason() {
        #expect(text(status([], database: .connecting(problem: nil))) == "Connecting to the database")
        #expect(
            text(status([], database: .connecting(problem: "connection refused")))
                == "Waiting for the database: connection refused")
    }

    @Test func aDrainCountsItsCalls() {
        let one = business(1) { $0.inFlight = 2 }
        #expect(text(status([one], phase: .draining)) == "Draining, 2 calls in flight")
        #expect(text(status([business(1) { $0.inFlight = 1 }], phase: .draining)) == "Draining, 1 call in flight")
        #expect(text(status([one], phase: .stopped)) == "Stopped")
    }
}
