/// Whether the Market's host can be reached. It is one host for all businesses, so they find it out together, and while it
/// is away one of them at a time asks.
struct HostCircuit: Sendable, Hashable {
    /// So many connections in a row that did not come about.
    static let threshold = 5
    static let probing = Backoff(base: .seconds(1), max: .seconds(60))
    /// A probe of which nothing was heard for so long is given up.
    static let longestProbe = Duration.seconds(60)

    private(set) var isAway = false
    private var failures = 0
    private var failedProbes = 0
    /// When the next probe may go out.
    private(set) var nextProbe: Moment?
    /// Businesses that have something to send.
    private(set) var waiting: Set<Int> = []

    /// What a report changed.
    enum Change: Sendable, Hashable {
        case away, back
    }

    mutating func take(_ report: HostReport, from business: Int, now: Moment, random: EngineRandom) -> Change? {
        switch report {
        case .answered:
            failures = 0
            guard isAway else { return nil }
            self = HostCircuit()
            return .back
        case .failed(let wasProbe):
            failures += 1
            if isAway, wasProbe {
                failedProbes += 1
                waiting.insert(business)
                nextProbe = now + Self.probing.delay(attempts: failedProbes, random: random.next())
            }
            guard !isAway, failures >= Self.threshold else { return nil }
            isAway = true
            nextProbe = now + Self.probing.delay(attempts: 0, random: random.next())
            return .away
        case .wantsProbe:
            if isAway { waiting.insert(business) }
            return nil
        case .declinesProbe:
            if isAway { nextProbe = now }
            return nil
        }
    }

    /// When somebody may be let through; `nil`: nobody wants to, or there is no need.
    var wakeAt: Moment? { isAway && !waiting.isEmpty ? nextProbe : nil }

    /// Lets one business through, where it is time.
    mutating func letOneProbe(now: Moment, random: EngineRandom) -> Int? {
        guard let wakeAt, now >= wakeAt else { return nil }
        let candidates = waiting.sorted()
        let chosen = candidates[min(Int(random.next() * Double(candidates.count)), candidates.count - 1)]
        waiting.remove(chosen)
        nextProbe = now + Self.longestProbe
        return chosen
    }
}
