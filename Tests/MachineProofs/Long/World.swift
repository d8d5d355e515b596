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
    private(set) var pending: [Int] = []
    /// Told all that happens, to understand a seed.
    var trace: ((String) -> Void)?
    private var queue = Heap<Entry>()
    private var nextNumber = 0
    private var session: Int? = nil
    var process = 0
    private var timerNumber = 0
    private(set) var record: BusinessRecord
    private var recordedAt = 0.0
    /// The sleep lock is held: producers notify.
    private var isAsleep = false
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

    private func tell(_ event: MachineEvent) {
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

    // MARK: The database

    private func answer(_ command: MachineCommand, _ session: Int) {
        func reply(_ event: MachineEvent) { push(.machine(event, session: session, process: process), at: now + 0.001) }
        if random.chance(plan.statementFailures) { return reply(.askFailed) }
        switch command {
        case .read(let read): reply(.read(look(read)))
        case .fallAsleep(let read):
            isAsleep = true
            reply(.fellAsleep(look(read), .asleep))
        case .sample(let type, let excluded, let limit):
            let free = due(type).filter { !excluded.contains($0.id) }
            reply(.sampled(sample(free, limit).map { $0.dueRow(now: now) }))
        default: break
        }
    }

    /// In the order in which rows are sent.
    func due(_ type: String?) -> [WorldRow] {
        pending.map { rows[$0] }.filter { $0.dueAt <= now && (type == nil || $0.kind.rawValue == type) }
            .sorted { (-$0.priority, $0.dueAt, $0.id) < (-$1.priority, $1.dueAt, $1.id) }
    }

    private func look(_ read: DueRead) -> DueRows {
        let ordered = due(read.contextType).filter { row in
            guard let mark = read.watermark, row.priority == mark.priority else {
                return read.watermark.map { row.priority < $0.priority } ?? true
                    || row.priority > read.watermark!.priority
            }
            return Int64(row.dueAt * 1_000_000) >= mark.dueAtMicroseconds
        }
        let next = pending.lazy.map { self.rows[$0].dueAt }.filter { $0 > self.now }.min()
        return DueRows(
            fresh: ordered.filter { $0.attempts == 0 }.prefix(read.limit).map { $0.dueRow(now: now) },
            repeats: read.watermark != nil
                ? []
                : ordered.prefix(200).filter { $0.attempts > 0 }.prefix(read.repeatLimit).map { $0.dueRow(now: now) },
            nextDueIn: next.map { .seconds($0 - now) })
    }

    /// The first, the last, and some between; those that were never tried before all others.
    private func sample(_ free: [WorldRow], _ limit: Int) -> [WorldRow] {
        let parts = [free.filter { $0.attempts == 0 }, free.filter { $0.attempts > 0 }]
        return Array(parts.flatMap(inTurn).prefix(limit))
    }

    private func inTurn(_ rows: [WorldRow]) -> [WorldRow] {
        guard rows.count > 2 else { return rows }
        return [rows[0], rows[rows.count - 1]] + rows.dropFirst().dropLast().shuffled(using: &random)
    }

    private func write(_ result: RowResult) {
        guard let index = index(of: result.rowID) else { return }
        tell(.wrote(rowID: result.rowID, outcome(of: result, &rows[index])))
        rules.written(rows[index], self)
        requestRules.written(rows[index], self)
        if rows[index].state != .pending { pending.removeAll { $0 == index } }
    }

    private func outcome(of result: RowResult, _ row: inout WorldRow) -> RowOutcome {
        guard row.state == .pending else { return .notPending }
        if case .backoff = result.change, row.attempts != result.attempts { return .notPending }
        if case .unwritable(let until) = row.nature, now < until { return .refused(error: "P0001 no") }
        switch result.change {
        case .created: row.state = .created
        case .rejected: row.state = .rejected
        case .backoff(let delay):
            row.attempts += 1
            row.dueAt = now + delay / .seconds(1)
            if result.exchange?.httpStatus == 404 {
                row.firstNotFound = row.firstNotFound ?? now
                row.notFoundCount += 1
            }
        case .deferred: break
        }
        return .written
    }

    private func loseSession() {
        guard session != nil else { return }
        session = nil
        isAsleep = false
        if random.chance(plan.crashShare) {
            process += 1
            timerNumber += 1
            machine = BusinessMachine(plan.settings)
            hostCircuit = HostCircuit()
            for index in rows.indices { rows[index].isAnswered = false }
        } else {
            tell(.lost)
        }
        push(.gainSession, at: now + random.seconds(0.02, 3))
    }

    private func gainSession() {
        nextNumber += 1
        session = nextNumber
        settleElsewhere()
        var known = record
        let since = Duration.seconds(now - recordedAt)
        if let hold = known.hold { known.hold?.endsIn = max(hold.endsIn - since, .zero) }
        if let quota = known.quota { known.quota?.resetsIn = max(quota.resetsIn - since, .zero) }
        known.age = since
        tell(.owned(known))
        if plan.sessionLife < 1e9 { push(.loseSession, at: now + random.seconds(1, plan.sessionLife)) }
    }

    /// Another session may have owned the business meanwhile.
    private func settleElsewhere() {
        guard now > 1, random.chance(0.3) else { return }
        for index in pending where rows[index].dueAt <= now && random.chance(0.3) {
            rows[index].state = .created
            rows[index].isSettledElsewhere = true
        }
        pending.removeAll { rows[$0].state != .pending }
    }

    private func poll() {
        if session != nil {
            let due = due(nil)
            tell(.polled(BusinessPoll(businessID: plan.settings.businessID, due: due.count)))
        }
        // Seldom, so that it is nobody's rescue.
        push(.poll, at: now + 600)
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
