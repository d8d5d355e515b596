import ChatOutbox
import TestSupport
import Testing

@testable import ChatSync

/// Which row goes next, and when the database is asked.
@Suite(.seated) struct DueQueueTests {
    private func at(_ seconds: Int64) -> Moment { Moment(sinceStart: .seconds(seconds)) }

    private func row(_ id: Int64, priority: Int16 = 0) -> DueRow {
        DueRow(id: id, contextType: "ORDER", contextID: id, priority: priority, dueAtMicroseconds: id)
    }

    /// A read from the beginning that finds just these rows.
    private func read(_ queue: inout DueQueue, _ ids: [Int64], now: Moment) {
        queue.readBegins()
        queue.found(
            DueRows(rows: ids.map { row($0) }), limit: 100, isFromBeginning: true, inFlight: [], now: now)
    }

    /// A queue that has just read these rows, all of them, from the beginning.
    private func queue(_ ids: [Int64], nextDueIn: Duration? = nil, now: Moment) -> DueQueue {
        var queue = DueQueue()
        queue.found(
            DueRows(rows: ids.map { row($0) }, nextDueIn: nextDueIn), limit: 100, isFromBeginning: true, inFlight: [],
            now: now)
        return queue
    }

    @Test func aNewQueueReadsFromTheBeginning() {
        var queue = DueQueue()
        #expect(queue.next(isProbe: false, now: at(0)) == .read(after: nil))
    }

    @Test func rowsGoInTheirOrderAndThenNothingIsLeft() {
        var queue = queue([1, 2], now: at(0))
        for id in [Int64(1), 2] {
            #expect(queue.next(isProbe: false, now: at(0)) == .row(row(id)))
            queue.taken(row(id))
        }
        #expect(queue.next(isProbe: false, now: at(0)) == .nothing(until: nil))
    }

    @Test func aFullReadGoesOnAtItsWatermarkAndEndsWithOneFromTheBeginning() {
        var queue = DueQueue()
        queue.found(DueRows(rows: [row(1)]), limit: 1, isFromBeginning: true, inFlight: [], now: at(0))
        queue.taken(row(1))
        let mark = Watermark(priority: 0, dueAtMicroseconds: 1)
        #expect(queue.next(isProbe: false, now: at(1)) == .read(after: mark))
        queue.found(DueRows(rows: []), limit: 1, isFromBeginning: false, inFlight: [], now: at(1))
        #expect(queue.next(isProbe: false, now: at(1)) == .read(after: nil), "rows that committed late lie before it")
    }

    @Test func aBusyQueueReadsFromTheBeginningEveryFewSeconds() {
        var queue = DueQueue()
        queue.found(DueRows(rows: [row(1)]), limit: 1, isFromBeginning: true, inFlight: [], now: at(0))
        queue.taken(row(1))
        #expect(queue.next(isProbe: false, now: at(5)) == .read(after: nil))
    }

    @Test func rowsInFlightAndUnsettledAreNotTakenAgain() {
        var queue = DueQueue()
        queue.unsettled = [2]
        queue.found(
            DueRows(rows: [row(1), row(2), row(3)]), limit: 100, isFromBeginning: true, inFlight: [1], now: at(0))
        #expect(queue.next(isProbe: false, now: at(0)) == .row(row(3)))
    }

    @Test func aRowThatIsPutOffIsAskedForWhenItIsDue() {
        var queue = queue([1], nextDueIn: .seconds(100), now: at(0))
        queue.taken(row(1))
        queue.settled(row(1), change: .backoff(.seconds(7)), now: at(0))
        #expect(queue.next(isProbe: false, now: at(0)) == .nothing(until: at(7)))
        #expect(queue.next(isProbe: false, now: at(7)) == .read(after: nil))
    }

    @Test func aRowThatTheDatabaseRefusesIsTriedAgainInItsTime() {
        var queue = queue([1], now: at(0))
        queue.taken(row(1))
        queue.leaveAlone(row(1), until: at(9))
        read(&queue, [1], now: at(1))
        #expect(queue.next(isProbe: false, now: at(1)) == .nothing(until: at(9)))
        #expect(queue.next(isProbe: true, now: at(1)) == .nothing(until: at(9)), "it is of no use as a probe")
        #expect(queue.shelfCount(now: at(1)) == 1 && queue.shelfCount(now: at(9)) == 0)
        #expect(queue.next(isProbe: false, now: at(9)) == .read(after: nil))
        read(&queue, [1], now: at(9))
        #expect(queue.next(isProbe: false, now: at(9)) == .row(row(1)))
    }

    @Test func anotherRowIsTheNextProbe() {
        var queue = queue([1, 2], now: at(0))
        queue.taken(row(1))
        queue.letOthersProbe(1, holdEnd: at(1))
        queue.mustRead()
        read(&queue, [1, 2], now: at(1))
        #expect(queue.next(isProbe: true, now: at(1)) == .row(row(2)))
        queue.taken(row(2))
        #expect(queue.next(isProbe: true, now: at(1)) == .row(row(1)), "rather than none")
    }

    @Test func afterAnOutageSuspectsGoLastButDoNotWait() {
        var queue = queue([1, 2], now: at(0))
        for _ in 0..<9 { queue.letOthersProbe(1, holdEnd: at(0)) }
        queue.reopened(now: at(1))
        read(&queue, [1, 2], now: at(1))
        #expect(queue.next(isProbe: false, now: at(1)) == .row(row(2)))
        queue.taken(row(2))
        #expect(queue.next(isProbe: false, now: at(1)) == .row(row(1)))
    }

    @Test func aRowThatHoldsTheBusinessAgainAndAgainWaitsLongerEachTime() {
        var queue = queue([1], now: at(0))
        queue.strike(1, holdEnd: at(0))
        queue.reopened(now: at(0))
        read(&queue, [1], now: at(0))
        #expect(queue.next(isProbe: false, now: at(0)) == .row(row(1)), "once may be chance")
        for wait in [300, 600, 1200, 2400, 4800, 4800] as [Int64] {
            queue.strike(1, holdEnd: at(0))
            queue.reopened(now: at(0))
            read(&queue, [1], now: at(0))
            #expect(queue.next(isProbe: false, now: at(0)) == .nothing(until: at(wait)))
        }
        queue.forgive()
        read(&queue, [1], now: at(0))
        #expect(queue.next(isProbe: false, now: at(0)) == .row(row(1)), "the key is another one")
    }

    /// What a read saw may be older than what was written while it was under way.
    @Test func aReadThatCrossesASettlementBringsNoRowBack() {
        var queue = queue([1, 2], now: at(0))
        queue.taken(row(1))
        queue.taken(row(2))
        queue.unsettled = [1, 2]
        queue.readBegins()
        queue.settled(row(1), change: .created(chatID: 5), now: at(0))
        queue.settled(row(2), change: .backoff(.seconds(7)), now: at(0))
        queue.found(DueRows(rows: [row(1), row(2)]), limit: 100, isFromBeginning: true, inFlight: [], now: at(0))
        #expect(queue.next(isProbe: false, now: at(0)) == .nothing(until: at(7)))
        // And what became known meanwhile is not forgotten.
        queue.readBegins()
        queue.mustRead()
        queue.found(DueRows(rows: []), limit: 100, isFromBeginning: true, inFlight: [], now: at(1))
        #expect(queue.next(isProbe: false, now: at(1)) == .read(after: nil))
    }

    @Test func theShelfIsBounded() {
        var queue = queue([], now: at(0))
        for id in 1...2000 { queue.strike(Int64(id), holdEnd: at(0)) }
        #expect(queue.shelfCount(now: at(0)) == DueQueue.shelfLimit && queue.shelfIsFull)
    }
}
