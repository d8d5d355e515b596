import ChatOutbox
import MarketAPI
import TestSupport
import Testing

@testable import ChatSync

/// Which row goes next, when the database is asked, and what becomes of results.
@Suite(.concurrencyLimited) struct BusinessMachineTests {
    static let both = DueRead(limit: 16, repeatLimit: 8)

    // MARK: Rows in their order

    @Test func aNewOwnerReadsFromTheBeginning() {
        var stepper = Stepper()
        #expect(stepper.tell(.owned(BusinessRecord(businessID: 11))) == [.read(Self.both)])
    }

    @Test func rowsGoInTheirOrderAndThenTheOwnerSleeps() {
        var stepper = Stepper()
        stepper.tell(.owned(BusinessRecord(businessID: 11)))
        // Of the quota nothing is known: the first goes alone.
        #expect(stepper.tell(.read(DueRows(fresh: [.test(1), .test(2)]))) == [.send(.test(1))])
        #expect(stepper.tell(.answered(rowID: 1, .chat)).sent == [2])
        stepper.tell(.wrote(rowID: 1, .written))
        stepper.settle(2)
        #expect(stepper.machine.rows.entries.isEmpty)
        // It was asked while both were under way, and the look beyond them.
        #expect(stepper.machine.view.question == .sleep(DueRead(limit: 18, repeatLimit: 10)))
    }

    @Test func freshRowsGoFirstAndRepeatsGetATenth() {
        let fresh = (1...27).map { DueRow.test($0) }
        var world = MachineWorld(
            fresh + (101...110).map { DueRow.test($0, attempts: 3) }, .test(parallel: 1)
        ) { row, _ in row.id > 100 ? .error(404, "Order not found") : .chat }
        world.run(to: 1.7)
        let order = world.asked.flatMap { id, times in times.map { (id, $0) } }.sorted { $0.1 < $1.1 }.map(\.0)
        #expect(order.count >= 30 && order.prefix(30).filter { $0 > 100 }.count == 3, "\(order)")
        #expect(order.prefix(9).allSatisfy { $0 < 100 } && order[9] > 100, "\(order)")
        world.run(to: 10)
        #expect(world.created.count == 27)
        #expect(world.asked.filter { $0.key > 100 }.count == 10, "afterwards they may use all of it")
    }

    @Test func aFullReadGoesOnAtItsWatermarkAndEndsWithOneFromTheBeginning() {
        let rows = (1...16).map { DueRow.test($0) }
        var stepper = Stepper.owning(rows)
        var commands: [MachineCommand] = []
        for id in 1...16 { commands += stepper.settle(Int64(id)) }
        let mark = Watermark(priority: 0, dueAtMicroseconds: 16)
        #expect(commands.reads.count == 1 && commands.reads[0].watermark == mark, "\(commands.reads)")
        let next = stepper.tell(.read(DueRows(fresh: [])))
        #expect(next.reads.count == 1 && next.reads[0].watermark == nil, "rows that committed late lie before it")
    }

    @Test func aBusyOwnerReadsFromTheBeginningEveryFewSeconds() {
        var stepper = Stepper.owning((1...16).map { .test($0) })
        stepper.now = .at(5)
        var commands: [MachineCommand] = []
        for id in 1...16 { commands += stepper.settle(Int64(id)) }
        #expect(commands.reads.map(\.watermark) == [nil])
    }

    @Test func aReadReachesBeyondTheRowsThatItFindsAndThatAreKnown() {
        var stepper = Stepper.owning([.test(1), .test(2)])
        stepper.tell(.answered(rowID: 1, .chat))
        stepper.tell(.fellAsleep(DueRows(fresh: [.test(1), .test(2)]), .asleep))
        #expect(
            stepper.tell(.woken).reads == [DueRead(limit: 18, repeatLimit: 10)],
            "row 1 is being written, row 2 is in flight")
        #expect(stepper.tell(.read(DueRows(fresh: [.test(1), .test(2), .test(3)]))).sent == [3])
    }

    @Test func aReadThatCrossesASettlementBringsNoRowBack() {
        var stepper = Stepper.owning([.test(1), .test(2)])
        stepper.tell(.answered(rowID: 1, .chat))
        #expect(stepper.machine.view.question == .sleep(DueRead(limit: 18, repeatLimit: 10)))
        stepper.tell(.wrote(rowID: 1, .written))
        // Put off for a second and a half.
        stepper.settle(2, .error(500))
        let commands = stepper.tell(.fellAsleep(DueRows(fresh: [.test(1), .test(2)]), .asleep))
        #expect(commands.sent.isEmpty)
        #expect(stepper.machine.rows.fresh.isEmpty)
        #expect(stepper.machine.view.nextDue == .at(1.5), "what became known meanwhile is not forgotten")
    }

    @Test func newsDuringAReadMakesAnother() {
        var stepper = Stepper()
        stepper.tell(.owned(BusinessRecord(businessID: 11)))
        #expect(stepper.tell(.woken).isEmpty, "one question at a time")
        #expect(stepper.tell(.read(DueRows(fresh: []))) == [.read(Self.both)])
    }

    @Test func aRowThatIsPutOffIsReadAgainWhenItIsDue() {
        var stepper = Stepper.owning([.test(1)])
        let commands = stepper.settle(1, .error(404, "Order not found"))
        #expect(commands.written.map(\.change) == [.backoff(.milliseconds(1500))])
        stepper.tell(.fellAsleep(DueRows(fresh: [], nextDueIn: .milliseconds(1500)), .asleep))
        #expect(stepper.timer == .at(1.5))
        #expect(stepper.wait().reads.count == 1)
    }

    @Test func aStatementThatFailedIsAskedAgainAfterAPauseThatGrows() {
        var stepper = Stepper()
        stepper.tell(.owned(BusinessRecord(businessID: 11)))
        var pauses: [Duration] = []
        for _ in 0..<9 {
            #expect(stepper.tell(.askFailed).isEmpty)
            let start = stepper.now
            #expect(stepper.wait() == [.read(Self.both)])
            pauses.append(stepper.now - start)
        }
        #expect(pauses == pauses.sorted() && pauses[0] >= .milliseconds(50) && pauses[8] <= .seconds(5), "\(pauses)")
    }

    @Test func anUnknownTypeIsRejectedUnasked() {
        var stepper = Stepper()
        stepper.tell(.owned(BusinessRecord(businessID: 11)))
        let commands = stepper.tell(.read(DueRows(fresh: [.test(1, "PARCEL")])))
        #expect(commands.sent.isEmpty && commands.written.map(\.change) == [.rejected])
    }

    // MARK: Results

    @Test func aRefusedResultIsKeptAndOnlyTheWriteIsRepeated() {
        var stepper = Stepper.owning([.test(1)])
        let first = stepper.tell(.answered(rowID: 1, .chat))
        #expect(first.written.map(\.change) == [.created(chatID: 1)])
        // At once, and apart from all others.
        var again = stepper.tell(.wrote(rowID: 1, .refused(error: "no")))
        var pauses: [Duration] = []
        for _ in 0..<8 {
            guard case .write(let result, isApart: true)? = again.first else {
                Issue.record("not written again: \(again)")
                return
            }
            #expect(result.refusal == "no" && result.change == .created(chatID: 1))
            let start = stepper.now
            #expect(stepper.tell(.wrote(rowID: 1, .refused(error: "no"))).written.isEmpty)
            // A row that is due all the same is no reason to ask.
            stepper.tell(.read(DueRows(fresh: [.test(1)])))
            again = stepper.wait()
            while again.written.isEmpty, stepper.now - start < .seconds(9) { again = stepper.wait() }
            pauses.append(stepper.now - start)
        }
        #expect(pauses == pauses.sorted() && pauses.allSatisfy { $0 <= .seconds(4) }, "\(pauses)")
        #expect(stepper.machine.counters.requests == 1)
        stepper.tell(.wrote(rowID: 1, .written))
        #expect(stepper.machine.counters.created == 1 && stepper.machine.rows.entries.isEmpty)
    }

    @Test func aDeferralThatIsRefusedIsForgotten() {
        var stepper = Stepper.owning([.test(1)])
        stepper.tell(.answered(rowID: 1, .error(423)))
        #expect(stepper.tell(.wrote(rowID: 1, .refused(error: "no"))).written.isEmpty)
        #expect(stepper.machine.rows.unwritten == 0)
    }

    @Test func aDrainTriesWhatIsRefusedOnceMoreAndEnds() {
        var stepper = Stepper.owning([.test(1)])
        stepper.tell(.answered(rowID: 1, .chat))
        for _ in 0..<2 { stepper.tell(.wrote(rowID: 1, .refused(error: "no"))) }
        #expect(stepper.tell(.drain).written.count == 1)
        #expect(stepper.tell(.wrote(rowID: 1, .refused(error: "no"))) == [.end(.stopped)])
    }

    @Test func tooManyRefusedResultsStopTheRequestsAndAreShown() {
        var stepper = Stepper.owning([])
        for id in 1...Int64(BusinessMachine.unwrittenLimit) {
            let row = DueRow.test(id)
            stepper.machine.rows.put(
                row,
                .unwritten(
                    RowResult(rowID: id, businessID: 11, attempts: 0, change: .created(chatID: id)), refusals: 9,
                    nextTry: .at(999), suspicion: nil))
        }
        stepper.tell(.woken)
        #expect(stepper.tell(.read(DueRows(fresh: [.test(9000)]))).sent.isEmpty)
        #expect(stepper.machine.status(now: .at(0)).hold?.kind == .database)
    }

    @Test func whatASessionsEndLeftUnreadIsReadByTheNext() {
        var stepper = Stepper.owning([.test(1), .test(2)])
        stepper.tell(.lost)
        #expect(stepper.tell(.answered(rowID: 1, .chat)).written.count == 1, "an answer is true whoever owns the row")
        #expect(stepper.tell(.timer).isEmpty)
        let commands = stepper.tell(.owned(BusinessRecord(businessID: 11)))
        #expect(commands.reads.count == 1 && commands.sent.isEmpty)
        #expect(stepper.tell(.read(DueRows(fresh: [.test(1), .test(2)]))).sent == [2])
    }

    @Test func suspectsAreBounded() {
        var table = RowTable()
        for id in 1...2000 as ClosedRange<Int64> {
            let moment = Moment.at(Double(id))
            table.put(.test(id), .suspect(Suspicion(reason: .circuit, failedAt: moment, notBefore: moment)))
        }
        #expect(table.suspects == RowTable.suspectLimit && table.entries.count == RowTable.suspectLimit)
        #expect(table[2000] != nil && table[1] == nil, "the oldest are forgotten")
    }

    // MARK: What others learn

    @Test func aHoldThatNoResultTellsOfIsRemembered() {
        var machine = BusinessMachine(.test())
        func tell(_ event: MachineEvent, at seconds: Double = 0) -> [MachineCommand] {
            machine.handle(event, now: .at(seconds), random: .half)
        }
        _ = tell(.owned(BusinessRecord(businessID: 11)))
        _ = tell(.read(DueRows(fresh: [.test(1)])))
        // The result that is written takes it along.
        #expect(!tell(.answered(rowID: 1, .error(401))).contains(.remember))
        #expect(!tell(.wrote(rowID: 1, .written)).contains(.remember))
        // A new key is tried at once, and no result says so.
        #expect(tell(.keysChanged, at: 5).contains(.remember))
    }

    @Test func aHoldOfAFormerOwnerThatIsOverIsForgotten() {
        var machine = BusinessMachine(.test())
        let left = BusinessRecord(businessID: 11, hold: .init(reason: "quota: used up", endsIn: .zero))
        #expect(machine.handle(.owned(left), now: .at(0), random: .half).contains(.remember))
    }

    @Test func whoIsResumedByAPollLooksAtOnce() {
        var stepper = Stepper()
        stepper.tell(.owned(BusinessRecord(businessID: 11, isPaused: true)))
        stepper.tell(.read(DueRows(fresh: [], isPaused: true)))
        var poll = BusinessPoll(businessID: 11, due: 0)
        poll.isPaused = true
        #expect(stepper.tell(.polled(poll)).isEmpty)
        poll.isPaused = false
        #expect(stepper.tell(.polled(poll)).reads.count == 1)
    }

    @Test func aSampleThatCrossesASettlementBringsNoRowBack() {
        var view = DueView()
        view.asked(.sample(contextType: nil))
        view.isSettled(1)
        view.sampled([.test(1), .test(2)], now: .at(0))
        #expect(view.sample(of: nil, now: .at(0))?.rows.map(\.id) == [2])
    }
}
