import Glibc
import MachineProofs
import Synchronization

/// The proofs in short, for mutants: the first rule that is broken ends them.
///
/// What they print is one line, and the exit status is 1 where a rule was broken.
enum ShortProof {
    /// Worlds from seed 1 on, until so many hours of simulated time have passed.
    static func long(hours: Double, threads: Int = 2) async {
        let progress = Progress(hours: hours)
        await withTaskGroup { group in
            for _ in 0..<threads {
                group.addTask {
                    while let seed = progress.nextSeed() { progress.add(LongProof.world(seed: seed)) }
                }
            }
        }
        stop("\(progress.worlds) worlds", status: 0)
    }

    private final class Progress: Sendable {
        private let state: Mutex<(seed: UInt64, worlds: Int, hours: Double)>

        init(hours: Double) {
            state = Mutex((1, 0, hours))
        }

        var worlds: Int { state.withLock { $0.worlds } }

        func nextSeed() -> UInt64? {
            state.withLock { state in
                guard state.hours > 0 else { return nil }
                state.seed += 1
                return state.seed - 1
            }
        }

        func add(_ report: LongProof.Report) {
            state.withLock { state in
                state.worlds += 1
                state.hours -= report.hours
                guard let violation = report.violations.first else { return }
                stop("after \(state.worlds) worlds: \(violation)", status: 1)
            }
        }
    }

    /// All small worlds: first a few states of each, then more.
    static func exhaustive(states: Int, threads: Int = 2) async {
        var visited = 0
        let most = states / ExhaustiveProof.worlds.count
        for share in [most / 12, most] {
            for world in ExhaustiveProof.worlds {
                let report = await ExhaustiveProof.run(
                    world: world, maxStates: share, threads: threads, livenessShare: 64)
                visited += report.states
                if let violation = report.violations.first {
                    stop("after \(visited) states, in \(world.name): \(violation.text)", status: 1)
                }
            }
        }
        stop("\(visited) states", status: 0)
    }

    private static func stop(_ text: String, status: CInt) -> Never {
        print(text)
        fflush(nil)
        exit(status)
    }
}
