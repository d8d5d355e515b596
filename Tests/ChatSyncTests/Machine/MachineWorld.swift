import ChatOutbox
import MarketAPI

@testable import ChatSync

extension Moment {
    static func at(_ seconds: Double) -> Moment { Moment(sinceStart: .milliseconds(Int64(seconds * 1000))) }
}

extension EngineRandom {
    static let half = EngineRandom { 0.5 }
}

extension MachineSettings {
    static func test(parallel: Int = 2, isOnce: Bool = false) -> MachineSettings {
        MachineSettings(
            businessID: 11, maxParallel: parallel,
            patience: Verdict.Patience(
                backoff: Backoff(base: .seconds(2), max: .seconds(900)), notFound: .seconds(7200)),
            isOnce: isOnce)
    }
}

extension DueRow {
    static func test(_ id: Int64, _ type: String = "ORDER", priority: Int16 = 0, attempts: Int = 0) -> DueRow {
        DueRow(
            id: id, contextType: type, contextID: id, priority: priority, attempts: attempts, dueAtMicroseconds: id)
    }
}

extension MarketReply<CreatedChat> {
    static let chat = MarketReply(answer: .ok(CreatedChat(chatID: 1)))

    static func error(_ status: Int, _ message: String = "x", retryAfter: Duration? = nil) -> MarketReply {
        MarketReply(
            answer: .httpError(status: status, problem: MarketProblem(code: "X", message: message)),
            retryAfter: retryAfter)
    }
}

/// A machine that is told one event after another.
struct Stepper {
    var machine: BusinessMachine
    var now = Moment.at(0)
    /// What the machine's timer is set to.
    private(set) var timer: Moment?
    /// For the journal, since the beginning.
    private(set) var logged: [LogEntry] = []

    init(_ settings: MachineSettings = .test()) {
        machine = BusinessMachine(settings)
    }

    /// - Returns: what is to be done, but for the journal and the timer.
    @discardableResult
    mutating func tell(_ event: MachineEvent) -> [MachineCommand] {
        var commands: [MachineCommand] = []
        for command in machine.handle(event, now: now, random: .half) {
            switch command {
            case .setTimer(let moment): timer = moment
            case .log(let entry): logged.append(entry)
            case .reportHost, .remember: break
            default: commands.append(command)
            }
        }
        return commands
    }

    /// Owned, and has read these rows from the beginning.
    static func owning(_ rows: [DueRow], repeats: [DueRow] = [], _ settings: MachineSettings = .test()) -> Stepper {
        var stepper = Stepper(settings)
        stepper.tell(.owned(BusinessRecord(businessID: settings.businessID)))
        stepper.tell(.read(DueRows(fresh: rows, repeats: repeats)))
        return stepper
    }

    /// The Market answers, and the database takes the result.
    @discardableResult
    mutating func settle(_ id: Int64, _ reply: MarketReply<CreatedChat> = .chat) -> [MachineCommand] {
        tell(.answered(rowID: id, reply)) + tell(.wrote(rowID: id, .written))
    }

    /// At its timer's time.
    @discardableResult
    mutating func wait() -> [MachineCommand] {
        now = max(timer ?? now, now)
        return tell(.timer)
    }
}

extension [MachineCommand] {
    var sent: [Int64] {
        compactMap { if case .send(let row) = $0 { row.id } else { nil } }
    }

    var written: [RowResult] {
        compactMap { if case .write(let result, _) = $0 { result } else { nil } }
    }

    var reads: [DueRead] {
        compactMap { if case .read(let read) = $0 { read } else { nil } }
    }
}

/// One machine, with a database and a Market that do what it says, as fast as they can.
struct MachineWorld {
    private(set) var machine: BusinessMachine
    private(set) var now = Moment.at(0)
    private(set) var pending: [Int64: DueRow] = [:]
    private var dueAt: [Int64: Moment] = [:]
    private(set) var created: [Int64: Moment] = [:]
    private(set) var asked: [Int64: [Moment]] = [:]
    private var timer: Moment?
    private var toCome: [(time: Moment, what: Coming)] = []
    private let answer: (DueRow, Moment) -> MarketReply<CreatedChat>

    private enum Coming {
        case event(MachineEvent)
        case write(RowResult)
    }

    init(
        _ rows: [DueRow], _ settings: MachineSettings = .test(),
        answer: @escaping (DueRow, Moment) -> MarketReply<CreatedChat>
    ) {
        machine = BusinessMachine(settings)
        self.answer = answer
        for row in rows { add(row) }
        tell(.owned(BusinessRecord(businessID: settings.businessID)))
    }

    private mutating func add(_ row: DueRow) {
        pending[row.id] = row
        dueAt[row.id] = now
    }

    /// A producer commits.
    mutating func insert(_ row: DueRow) {
        add(row)
        tell(.woken)
    }

    mutating func tell(_ event: MachineEvent) {
        for command in machine.handle(event, now: now, random: .half) { carryOut(command) }
    }

    mutating func run(to seconds: Double) {
        let end = Moment.at(seconds)
        while true {
            let next = toCome.indices.min { (toCome[$0].time, $0) < (toCome[$1].time, $1) }
            let time = next.map { toCome[$0].time }
            guard let first = [time, timer].compactMap({ $0 }).min(), first <= end else { break }
            now = max(now, first)
            if let next, time == first {
                let what = toCome.remove(at: next).what
                switch what {
                case .event(let event): tell(event)
                case .write(let result): write(result)
                }
            } else {
                timer = nil
                tell(.timer)
            }
        }
        now = end
    }

    private mutating func later(_ time: Duration, _ what: Coming) {
        toCome.append((now + time, what))
    }

    private mutating func carryOut(_ command: MachineCommand) {
        switch command {
        case .read(let read): later(.milliseconds(1), .event(.read(due(read))))
        case .fallAsleep(let read): later(.milliseconds(1), .event(.fellAsleep(due(read), .asleep)))
        case .sample(let type, let excluded, let limit):
            let rows = dueRows.filter { (type == nil || $0.contextType == type) && !excluded.contains($0.id) }
            later(.milliseconds(1), .event(.sampled(Self.drawn(rows, limit))))
        case .send(let row):
            asked[row.id, default: []].append(now)
            later(.milliseconds(50), .event(.answered(rowID: row.id, answer(row, now))))
        case .write(let result, _): later(.milliseconds(1), .write(result))
        case .setTimer(let moment): timer = moment
        case .wakeUp, .watchProducers, .remember, .reportHost, .log, .end: break
        }
    }

    private var dueRows: [DueRow] {
        pending.values.filter { dueAt[$0.id]! <= now }
            .sorted { (-Int($0.priority), dueAt[$0.id]!, $0.id) < (-Int($1.priority), dueAt[$1.id]!, $1.id) }
    }

    private func due(_ read: DueRead) -> DueRows {
        let due = dueRows.filter { read.contextType == nil || $0.contextType == read.contextType }
        let next = pending.keys.compactMap { dueAt[$0] }.filter { $0 > now }.min()
        return DueRows(
            fresh: Array(due.filter { $0.attempts == 0 }.prefix(read.limit)),
            repeats: Array(due.filter { $0.attempts > 0 }.prefix(read.repeatLimit)), nextDueIn: next.map { $0 - now })
    }

    /// From the first and from the last in turn.
    private static func drawn(_ rows: [DueRow], _ limit: Int) -> [DueRow] {
        var (left, drawn) = (rows[...], [DueRow]())
        while drawn.count < limit, let row = drawn.count % 2 == 0 ? left.popFirst() : left.popLast() {
            drawn.append(row)
        }
        return drawn
    }

    private mutating func write(_ result: RowResult) {
        switch result.change {
        case .created:
            pending[result.rowID] = nil
            created[result.rowID] = now
        case .rejected: pending[result.rowID] = nil
        case .backoff(let delay):
            pending[result.rowID]?.attempts += 1
            dueAt[result.rowID] = now + delay
        case .deferred: break
        }
        tell(.wrote(rowID: result.rowID, .written))
    }
}
