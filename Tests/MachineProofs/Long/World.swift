import ChatOutbox
import HeapModule
import MarketAPI

@testable import ChatSync

/// One business in simulated time: the machine, its database and its Market. Everything comes from the seed.
final class World {
    enum Event {
        case insert(Int)
        case machine(MachineEvent, session: Int, process: Int)
        case timer(Int)
        case statement(MachineCommand, session: Int)
        case market(row: Int64, process: Int, DueRow)
        case answer(row: Int64, process: Int, MarketReply<CreatedChat>)
        case write(RowResult, process: Int)
        case loseSession
        case gainSession
        case poll
        case hostProbe
    }

    private struct Entry: Comparable {
        var time: Double
        var number: Int
        var event: Event
        static func < (left: Entry, right: Entry) -> Bool {
            (left.time, left.number) < (right.time, right.number)
        }
        static func == (left: Entry, right: Entry) -> Bool { left.number == right.number }
    }

    let seed: UInt64
    let plan: WorldPlan
    var random: SeededRandom
    var now = 0.0
    var machine: BusinessMachine
    var rows: [WorldRow]
    var market: WorldMarket
    var rules: WorldRules
    var requestRules: RequestRules
    private(set) var events = 0
    /// Indices of the rows that are pending.
    var pending: [Int] = []
    /// Told all that happens, to understand a seed.
    var trace: ((String) -> Void)?
    private var queue = Heap<Entry>()
    var nextNumber = 0
    var session: Int?
    var process = 0
    var timerNumber = 0
    var record: BusinessRecord
    var recordedAt = 0.0
    /// The sleep lock is held: producers notify.
    var isAsleep = false
    let draw: EngineRandom
    /// As if this business were the only one.
    var hostCircuit = HostCircuit()

    init(seed: UInt64, plan: WorldPlan) {
        self.seed = seed
        self.plan = plan
        random = SeededRandom(seed: seed &+ 77)
        let draws = Draws(seed: seed &+ 78)
        draw = EngineRandom { draws.next() }
        machine = BusinessMachine(plan.settings)
        rows = plan.rows
        market = WorldMarket(plan: plan)
        rules = WorldRules(plan: plan)
        requestRules = RequestRules(plan: plan)
        record = BusinessRecord(businessID: plan.settings.businessID)
    }

    /// Lives through the whole world.
    func run() {
        for index in rows.indices { push(.insert(index), at: rows[index].insertedAt) }
        push(.gainSession, at: 0.01)
        push(.poll, at: 60)
        for episode in plan.episodes where episode.fault == .keyInvalid && plan.tellsOfKeys {
            push(.machine(.keysChanged, session: -1, process: 0), at: episode.span.upperBound)
        }
        while let entry = queue.popMin(), entry.time < plan.length {
            rules.timePassed(from: now, to: entry.time, self)
            now = entry.time
            events += 1
            trace?("\(now) \(entry.event)")
            happen(entry.event)
            if Double(events) > plan.length * 60 + 50_000 { return rules.storm(self) }
            if violations.count > 3 { return }
        }
        now = plan.length
        rules.end(self)
        requestRules.end(self)
    }

    var violations: [String] { rules.violations + requestRules.violations }

    func push(_ event: Event, at time: Double) {
        nextNumber += 1
        queue.insert(Entry(time: max(time, now), number: nextNumber, event: event))
    }

    private func happen(_ event: Event) {
        switch event {
        case .insert(let index):
            rows[index].state = .pending
            pending.append(index)
            if isAsleep, let session { push(.machine(.woken, session: session, process: process), at: now + 0.001) }
        case .machine(let event, let session, let process):
            guard process == self.process, session == self.session || session < 0 else { return }
            tell(event)
        case .timer(let number): if number == timerNumber { tell(.timer) }
        case .statement(let command, let session): if session == self.session { answer(command, session) }
        case .market(let id, let process, let row): exchange(id, process, row)
        case .answer(let id, let process, let reply): take(id, process, reply)
        case .write(let result, let process): if process == self.process { write(result) }
        case .loseSession: loseSession()
        case .gainSession: gainSession()
        case .poll: poll()
        case .hostProbe: letOneProbe()
        }
    }

    func tell(_ event: MachineEvent) {
        let moment = Moment(sinceStart: .seconds(now))
        let commands = machine.handle(event, now: moment, random: draw)
        rules.told(event, self)
        requestRules.told(event, self)
        for command in commands {
            trace?("    -> \(command)")
            carryOut(command, moment)
        }
        requestRules.carriedOut(self)
    }

    private func carryOut(_ command: MachineCommand, _ moment: Moment) {
        let session = session ?? -2
        switch command {
        case .read, .sample, .fallAsleep: push(.statement(command, session: session), at: now + 0.001)
        case .wakeUp: isAsleep = false
        case .watchProducers: push(.machine(.producersEnded, session: session, process: process), at: now + 0.5)
        case .send(let row):
            if let index = index(of: row.id) { requestRules.asked(rows[index], self) }
            rules.asked(row, self)
            market.begins(now)
            push(.market(row: row.id, process: process, row), at: now + latency(of: row))
        case .write(let result, _):
            remember(moment)
            push(.write(result, process: process), at: now + 0.002)
        case .remember: remember(moment)
        case .setTimer(let moment):
            timerNumber += 1
            // A little late, as every timer is: a Double would else be early by its last digit.
            if let moment { push(.timer(timerNumber), at: moment.sinceStart / .seconds(1) + 1e-6) }
        case .reportHost(let report): take(report, moment)
        case .log, .end: break
        }
    }

    /// As the settler does: with a result, or without any.
    private func remember(_ moment: Moment) {
        record = machine.record(now: moment)
        recordedAt = now
        requestRules.remembered(record, self)
    }

    /// Ids are the business's number and the row's place.
    func index(of id: Int64) -> Int? {
        let index = Int(id - plan.settings.businessID * 1000)
        return rows.indices.contains(index) ? index : nil
    }

    // MARK: The Market

    private func latency(of row: DueRow) -> Double {
        if case .hangs = index(of: row.id).map({ rows[$0].nature }) { return 15 }
        return plan.latency * random.seconds(0.5, 1.5)
    }

    private func exchange(_ id: Int64, _ process: Int, _ row: DueRow) {
        guard let index = index(of: id) else { return }
        let reply = market.answer(rows[index], now: now, &random)
        // Answers overtake each other on their way.
        push(.answer(row: id, process: process, reply), at: now + plan.latency * random.unit())
    }

    private func take(_ id: Int64, _ process: Int, _ reply: MarketReply<CreatedChat>) {
        guard let index = index(of: id) else { return }
        requestRules.answered(rows[index], reply, self)
        if case .ok = reply.answer {
            if process == self.process { rows[index].isAnswered = true }
            rows[index].answeredAt = now
        }
        if process == self.process { tell(.answered(rowID: id, reply)) }
    }
}
