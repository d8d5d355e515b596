import ChatOutbox
import MarketAPI

@testable import ChatSync

/// Takes steps from one state to the next, and watches over the rules.
struct SmallRun {
    let world: SmallWorld
    var state: SmallState
    /// The first rule that was broken.
    var violation: String?
    /// What a machine said of its own since the run began.
    var log: [LogEntry] = []
    var keepsLog = false

    private static let random = EngineRandom { 0.5 }

    init(_ world: SmallWorld, _ state: SmallState) {
        self.world = world
        self.state = state
    }

    mutating func violate(_ text: String) {
        if violation == nil { violation = text }
    }

    /// Tells the machine, and carries out what it commands.
    mutating func tell(_ me: inout SmallInstance, _ event: MachineEvent) {
        let before = me.machine
        let commands = me.machine.handle(event, now: .zero, random: Self.random)
        me.machine.normalise()
        for command in commands { carryOut(command, &me, before) }
        if me.machine.rows.inFlight > world.maxParallel { violate("more in flight than maxParallel") }
        if me.machine.rows.inFlight != me.requests.count { violate("the machine miscounts its requests") }
    }

    private mutating func carryOut(_ command: MachineCommand, _ me: inout SmallInstance, _ before: BusinessMachine) {
        switch command {
        case .read(let read): ask(.read(read), &me)
        case .sample(let contextType, let excluding, let limit):
            ask(.sample(contextType: contextType, excluding: excluding, limit: limit), &me)
        case .fallAsleep(let read): ask(.sleep(read), &me)
        case .wakeUp: me.statements.append(.wakeUp)
        case .watchProducers: me.watches.append(.init(limit: .zero + SmallWorld.watchLimit))
        case .send(let row): send(row, &me)
        case .write(let result, let isApart): write(result, isApart: isApart, &me)
        case .setTimer(let moment): me.timer = moment.map { max($0, .zero) }
        case .reportHost, .remember: break
        case .log(let entry): if keepsLog { log.append(entry) }
        case .end: violate("the machine ended")
        }
    }

    private mutating func ask(_ statement: SmallInstance.Statement, _ me: inout SmallInstance) {
        if !me.machine.ownership.isOurs { violate("a machine that owns nothing asks the database") }
        if me.isAsking { violate("two questions at a time") }
        me.statements.append(statement)
    }

    private mutating func send(_ row: DueRow, _ me: inout SmallInstance) {
        let machine = me.machine
        if !machine.ownership.isOurs { violate("a machine that owns nothing sends row \(row.id)") }
        if me.requests.contains(where: { $0.rowID == row.id }) { violate("row \(row.id) is asked for twice at a time") }
        if me.kept & SmallInstance.bit(row.id) != 0 { violate("row \(row.id) is asked for though its answer is kept") }
        if machine.conditions.isPaused { violate("row \(row.id) is sent while the business is paused") }
        if let hold = machine.conditions.hold {
            if hold.until > .zero { violate("row \(row.id) is sent during a hold: \(hold.reason)") }
            if !me.requests.isEmpty { violate("a probe of a hold does not go alone") }
        }
        if case .inFlight(let flight) = machine.rows[row.id]?.place, flight.purpose == .settle,
            let kind = row.kind, machine.conditions.circuits[kind].isOpen
        {
            violate("row \(row.id) is sent through an open circuit")
        }
        me.requests.append(.init(rowID: row.id))
        me.requests.sort { $0.rowID < $1.rowID }
    }

    private mutating func write(_ result: RowResult, isApart: Bool, _ me: inout SmallInstance) {
        if case .created(let chatID) = result.change, chatID != world.chatID(of: result.rowID) {
            violate("row \(result.rowID) gets the chat of another one")
        }
        let isUnderWay = me.writes.contains { $0.result.rowID == result.rowID }
        if isUnderWay { violate("a result is written twice at a time") }
        let isOurs = me.machine.ownership.isOurs && me.isSessionAlive
        let memory = isOurs && !isApart ? SmallMemory(me.machine.record(now: .zero)) : nil
        me.writes.append(.init(result: result, isApart: isApart, memory: memory))
        if result.change != .deferred { me.kept |= SmallInstance.bit(result.rowID) }
    }

    /// The Market's answer, or none.
    mutating func answer(_ index: Int, _ rowID: Int64, _ reply: MarketReply<CreatedChat>) {
        var me = state[index]
        me.requests.removeAll { $0.rowID == rowID }
        tell(&me, .answered(rowID: rowID, reply))
        state[index] = me
    }

    func reply(to rowID: Int64) -> MarketReply<CreatedChat> {
        func problem(_ status: Int, _ code: String, _ message: String) -> MarketAnswer<CreatedChat> {
            .httpError(status: status, problem: MarketProblem(code: code, message: message))
        }
        return switch world.row(rowID).fate {
        case .good, .unwritable: MarketReply(answer: .ok(CreatedChat(chatID: world.chatID(of: rowID))))
        case .forbidden: MarketReply(answer: problem(403, "FORBIDDEN", "Access denied"))
        case .failing: MarketReply(answer: problem(500, "INTERNAL", "oops"))
        case .notFound: MarketReply(answer: problem(404, "NOT_FOUND", "Order not found"))
        case .malformed: MarketReply(answer: .malformed(status: 200, reason: "no chatId"))
        }
    }
}
