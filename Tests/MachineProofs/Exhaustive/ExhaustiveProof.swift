/// Visits every state of a small world with the real ``BusinessMachine`` in it, up to a number of states.
public enum ExhaustiveProof {
    public static let worlds = SmallWorld.all

    /// - Parameters:
    ///   - maxStates: the search ends when so many states were seen.
    ///   - deadline: the search ends after so long.
    ///   - threads: how many search at a time.
    ///   - livenessShare: from one of so many states a fair continuation is tried.
    public static func run(
        world: SmallWorld, maxStates: Int, deadline: Duration? = nil, threads: Int = 2, livenessShare: Int = 256
    ) async -> ExhaustiveReport {
        await ExhaustiveSearch(
            world: world, maxStates: maxStates, deadline: deadline.map { ContinuousClock.now + $0 },
            threads: max(threads, 1), livenessShare: UInt64(max(livenessShare, 1))
        ).run()
    }
}

/// What a search found.
public struct ExhaustiveReport: Sendable {
    public var world: String
    public var states = 0
    public var transitions = 0
    public var seconds = 0.0
    /// Steps from the beginning to the states that are farthest from it.
    public var depth = 0
    public var largestLevel = 0
    /// Whether there are no more states than these.
    public var isComplete = false
    public var livenessChecks = 0
    /// The longest time that a good row waited for its turn in a fair continuation.
    public var longestWait = Duration.zero
    public var violations: [Violation] = []

    public struct Violation: Sendable {
        public var text: String
        /// What happened, one line for each step.
        public var trace: [String]
        public var state: String
    }

    public var statesPerSecond: Double { seconds > 0 ? Double(states) / seconds : 0 }
}

extension ExhaustiveReport: CustomStringConvertible {
    public var description: String {
        var lines = [
            "\(world): \(states) states\(isComplete ? " (all there are)" : ""), \(transitions) transitions, "
                + "\(Int(seconds * 10) / 10) s, \(Int(statesPerSecond)) states/s, depth \(depth), "
                + "largest level \(largestLevel), \(livenessChecks) fair continuations, longest wait \(longestWait), "
                + "\(violations.count) violations"
        ]
        for violation in violations {
            lines.append("VIOLATION: \(violation.text)")
            lines += violation.trace.map { "    \($0)" }
        }
        return lines.joined(separator: "\n")
    }
}
