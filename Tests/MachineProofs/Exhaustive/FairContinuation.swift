import ChatOutbox
import MarketAPI

@testable import ChatSync

/// From one state on nothing more goes wrong, and bad rows stay bad: then each good row has to be asked for within
/// a minute and five seconds for each bad one, after its turn, and the holds that several rows caused on top.
///
/// There is no fallback poll in it: what only the poll finds is a violation.
struct FairContinuation {
    private static let mostSteps = 20_000
    private static let longest = Duration.seconds(5000)

    private let world: SmallWorld
    private var run: SmallRun
    private var now = Duration.zero
    /// How long each row has been due without being asked for, by id.
    private var waited: [Duration]
    private var trace: [String] = []
    private let keepsTrace: Bool
    private(set) var longestWait = Duration.zero

    init(_ world: SmallWorld, from state: SmallState, keepsTrace: Bool = false) {
        self.world = world
        run = SmallRun(world, state)
        run.keepsLog = true
        waited = world.rows.map { _ in .zero }
        self.keepsTrace = keepsTrace
    }

    /// - Returns: what is wrong, with what happened; `nil` where all good rows get their chats.
    mutating func problem() -> (text: String, trace: [String])? {
        if run.state.database.isPaused {
            run.state.faults.pauses += 1
            take(.pause)
        }
        for step in run.state.slowSteps(world) { take(step) }
        for _ in 0..<Self.mostSteps {
            if let violation = run.violation { return (violation, trace) }
            if isDone { return nil }
            if let step = run.state.urgentSteps().first {
                take(step)
                if let text = unjustHold() { return (text, trace) }
                continue
            }
            guard let jump = run.state.nextJump else {
                return ("nothing happens any more, and \(waitingRows) wait", trace)
            }
            if let text = wait(jump) { return (text, trace) }
            take(.jump(jump))
            now += jump
            if now > Self.longest { return ("after \(now) \(waitingRows) are not settled", trace) }
        }
        return ("the steps have no end", trace)
    }

    private mutating func take(_ step: SmallStep) {
        if keepsTrace { trace.append("  \(now): \(step)") }
        let before = run.log.count
        run.take(step)
        run.checkState()
        if keepsTrace { trace += run.log.dropFirst(before).map { "          \($0.brief)" } }
    }

    private func isGood(_ id: Int64) -> Bool {
        switch world.row(id).fate {
        case .good: true
        case .unwritable: run.state.database.isMended
        case .forbidden, .failing, .notFound, .malformed: false
        }
    }

    private var isDone: Bool { world.ids.allSatisfy { !isGood($0) || run.state.database[$0].phase != .pending } }

    private var waitingRows: String {
        let ids = world.ids.filter { isGood($0) && run.state.database[$0].phase == .pending }
        return "rows \(ids)"
    }

    /// Due, and neither asked for nor answered.
    private func isWaiting(_ id: Int64) -> Bool {
        guard isGood(id), run.state.database[id].isDue else { return false }
        return run.state.instances.allSatisfy { me in
            !me.requests.contains { $0.rowID == id } && !me.writes.contains { $0.result.rowID == id }
                && me.kept & SmallInstance.bit(id) == 0
        }
    }

    /// The hold of the owner, if it has any.
    private var heldFor: Duration {
        let owner = run.state.instances.first { $0.machine.ownership.isOurs }
        let until = owner.flatMap { $0.machine.conditions.hold?.until } ?? .zero
        return max(until - .zero, .zero)
    }

    private mutating func wait(_ time: Duration) -> String? {
        let counted = max(time - heldFor, .zero)
        let bad = world.ids.count { !isGood($0) }
        let bound = Duration.seconds(60 + 5 * bad)
        for id in world.ids {
            guard isWaiting(id) else { continue }
            waited[Int(id) - 1] += counted
            longestWait = max(longestWait, waited[Int(id) - 1])
            guard waited[Int(id) - 1] > bound else { continue }
            return "row \(id) is not asked for within \(bound) while \(bad) rows are bad"
        }
        return nil
    }

    /// A cabinet is held for what all due rows said, not for what some said while a good one waits.
    private mutating func unjustHold() -> String? {
        defer { run.log = [] }
        for case .held(let hold, _) in run.log where hold.kind.needsPerson {
            // One that was committed this very moment cannot be known yet.
            guard let id = world.ids.first(where: { isWaiting($0) && waited[Int($0) - 1] > .zero }) else { continue }
            return "held (\(hold.reason)) while row \(id) waits, good and due"
        }
        return nil
    }
}
