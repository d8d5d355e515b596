import Synchronization

/// The machine alone, in random worlds of simulated time: see ``World`` and ``WorldRules``.
public enum LongProof {
    public struct Report: Sendable {
        public var worlds = 0
        public var hours = 0.0
        public var events = 0
        public var busyWindows = 0
        public var seconds = 0.0
        public var violations: [String] = []

        public var text: String {
            "\(worlds) worlds, \(Int(hours)) simulated hours, \(events) events, \(Int(Double(events) / seconds)) events/s,"
                + " \(busyWindows) windows used up, \(violations.count) violations, \(Int(seconds)) s"
        }
    }

    /// Lives through worlds until so many hours of simulated time have passed.
    ///
    /// - Parameters:
    ///   - firstSeed: one seed is one world, always the same.
    ///   - threads: worlds at a time.
    public static func run(hours: Double, firstSeed: UInt64 = 1, threads: Int = 2) async -> Report {
        let clock = ContinuousClock()
        let start = clock.now
        let progress = Progress(firstSeed: firstSeed, hours: hours)
        await Threads.run(threads) { while let seed = progress.nextSeed() { progress.add(world(seed: seed)) } }
        var report = progress.total.withLock { $0 }
        report.seconds = (clock.now - start) / .seconds(1)
        return report
    }

    private final class Progress: Sendable {
        private let next: Atomic<UInt64>
        private let hours: Double
        let total = Mutex(Report())

        init(firstSeed: UInt64, hours: Double) {
            next = Atomic(firstSeed)
            self.hours = hours
        }

        func nextSeed() -> UInt64? {
            let isOver = total.withLock { $0.hours >= hours || $0.violations.count > 20 }
            return isOver ? nil : next.add(1, ordering: .relaxed).oldValue
        }

        func add(_ report: Report) {
            total.withLock { total in
                total.worlds += 1
                total.hours += report.hours
                total.events += report.events
                total.busyWindows += report.busyWindows
                total.violations += report.violations
            }
        }
    }

    /// One world: up to 200 rows in up to 5 businesses.
    ///
    /// - Parameter trace: told all that happens.
    public static func world(seed: UInt64, business only: Int? = nil, trace: ((String) -> Void)? = nil) -> Report {
        var random = SeededRandom(seed: seed)
        var report = Report()
        let businesses = random.pick([1, 1, 2, 5])
        let rows = random.pick([5, 20, 60, 200]) / businesses
        let length = random.pick([3600.0, 20_000, 86_400, 172_800, 172_800])
        for business in 1...businesses {
            let plan = WorldPlan(&random, businessID: Int64(business), rowCount: max(rows, 1), length: length)
            if let only, only != business { continue }
            let world = World(seed: seed, plan: plan)
            world.trace = trace
            world.run()
            report.events += world.events
            report.busyWindows += world.rules.busyWindows
            report.violations += world.violations
        }
        report.hours = length / 3600
        return report
    }
}
