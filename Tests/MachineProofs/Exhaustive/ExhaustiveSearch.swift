import ChatOutbox
import Synchronization

@testable import ChatSync

/// Visits all states of a small world, those that are nearer to its beginning first. Within one level the states are
/// shared out among the threads.
struct ExhaustiveSearch: Sendable {
    let world: SmallWorld
    let maxStates: Int
    let deadline: ContinuousClock.Instant?
    let threads: Int
    /// One of so many states is tried for liveness: those whose fingerprints say so.
    let livenessShare: UInt64
    private let table = StateTable()

    init(world: SmallWorld, maxStates: Int, deadline: ContinuousClock.Instant?, threads: Int, livenessShare: UInt64) {
        self.world = world
        self.maxStates = maxStates
        self.deadline = deadline
        self.threads = threads
        self.livenessShare = livenessShare
    }

    /// A rule that was broken, and where.
    struct Finding: Sendable {
        var text: String
        /// The last state that was in order, or the one from which good rows are not settled.
        var state: UInt64
        /// What led from it to the violation; `nil`: see liveness.
        var step: SmallStep?
    }

    /// What one thread found in its part of a level.
    fileprivate struct Harvest: Sendable {
        var next: [SmallState] = []
        var transitions = 0
        var livenessChecks = 0
        var longestWait = Duration.zero
        var findings: [Finding] = []
    }

    func run() async -> ExhaustiveReport {
        let start = ContinuousClock.now
        var report = ExhaustiveReport(world: world.name)
        let first = SmallState(world)
        _ = table.insert(first.fingerprint, parent: 0)
        var level = [first]
        var findings: [Finding] = []
        while !level.isEmpty, !isOver {
            let states = level
            let cursor = Cursor()
            level = []
            for harvest in await harvests(of: states, cursor) {
                level += harvest.next
                report.transitions += harvest.transitions
                report.livenessChecks += harvest.livenessChecks
                report.longestWait = max(report.longestWait, harvest.longestWait)
                for finding in harvest.findings where !findings.contains(where: { $0.text == finding.text }) {
                    findings.append(finding)
                }
            }
            report.depth += 1
            report.largestLevel = max(report.largestLevel, level.count)
        }
        report.states = table.count
        report.isComplete = level.isEmpty && !isOver
        report.seconds = (ContinuousClock.now - start) / .seconds(1)
        report.violations = findings.map { trace(of: $0) }
        return report
    }

    private var isOver: Bool {
        table.count >= maxStates || deadline.map { ContinuousClock.now >= $0 } ?? false
    }

    /// How far the threads have come in a level.
    private final class Cursor: Sendable {
        static let part = 64
        private let next = Atomic(0)

        func take(of count: Int) -> Range<Int>? {
            let start = next.add(Self.part, ordering: .relaxed).oldValue
            return start < count ? start..<min(start + Self.part, count) : nil
        }
    }

    private func harvests(of states: [SmallState], _ cursor: Cursor) async -> [Harvest] {
        let harvests = Mutex<[Harvest]>([])
        await Threads.run(threads) {
            var harvest = Harvest()
            while let part = cursor.take(of: states.count), !isOver {
                for index in part { visit(states[index], &harvest) }
            }
            harvests.withLock { $0.append(harvest) }
        }
        return harvests.withLock { $0 }
    }

    private func visit(_ state: SmallState, _ harvest: inout Harvest) {
        let fingerprint = state.fingerprint
        if (fingerprint >> 20) % livenessShare == 0 {
            harvest.livenessChecks += 1
            var continuation = FairContinuation(world, from: state)
            if let problem = continuation.problem() {
                harvest.add(Finding(text: problem.text, state: fingerprint, step: nil))
            }
            harvest.longestWait = max(harvest.longestWait, continuation.longestWait)
        }
        for step in state.steps(world) {
            var run = SmallRun(world, state)
            run.take(step)
            run.checkState()
            harvest.transitions += 1
            if let violation = run.violation {
                harvest.add(Finding(text: violation, state: fingerprint, step: step))
                continue
            }
            if table.insert(run.state.fingerprint, parent: fingerprint) { harvest.next.append(run.state) }
        }
    }

    /// Goes the same way again, and writes down what happens.
    private func trace(of finding: Finding) -> ExhaustiveReport.Violation {
        var state = SmallState(world)
        var lines: [String] = []
        for fingerprint in table.path(to: finding.state).dropFirst() {
            for step in state.steps(world) {
                var run = SmallRun(world, state)
                run.keepsLog = true
                run.take(step)
                guard run.state.fingerprint == fingerprint else { continue }
                lines.append("\(step)")
                lines += run.log.map { "    \($0.brief)" }
                state = run.state
                break
            }
        }
        if let step = finding.step {
            lines.append("\(step)  <- here")
        } else {
            var continuation = FairContinuation(world, from: state, keepsTrace: true)
            lines.append("then no more faults:")
            lines += (continuation.problem()?.trace ?? ["no problem when tried again"]).prefix(200)
        }
        return ExhaustiveReport.Violation(
            text: finding.text, trace: lines, state: "\(state.database) \(state.instances)")
    }
}

extension ExhaustiveSearch.Harvest {
    /// One of each sort is enough.
    fileprivate mutating func add(_ finding: ExhaustiveSearch.Finding) {
        if findings.count < 20, !findings.contains(where: { $0.text == finding.text }) { findings.append(finding) }
    }
}

extension LogEntry {
    /// One line of a trace.
    var brief: String {
        switch self {
        case .requested(let row): "row \(row.id) is sent"
        case .concluded(let row, let change, let exchange):
            "row \(row.id): \(change), \(exchange?.httpStatus.map(String.init) ?? exchange?.code ?? "a chat")"
        case .created(let row, let chatID): "row \(row.id) has chat \(chatID)"
        case .settledByOther(let row): "row \(row.id) was settled by another"
        case .held(let hold, let time): "held for \(time): \(hold.reason)"
        default: "\(self)"
        }
    }
}
