import ChatSync
import MarketAPI

@testable import ChatSync

/// How one business of a simulated world is treated: drawn from a seed. Times are seconds.
struct WorldPlan {
    enum Headers: CaseIterable { case full, noUntil, none, lying }

    /// Faults of the Market itself, in a span of time.
    struct Episode {
        enum Fault { case out, orderOut, returnOut, keyInvalid, hostAway, migration, malformed }
        var fault: Fault
        var span: Range<Double>
    }

    var settings: MachineSettings
    var length: Double
    var limit: Int
    var window: Double
    var offset: Double
    var parallel: Int
    /// Requests of a second that others spend.
    var cotenant: Double
    var headers: Headers
    /// By how much a response's own Date is stale, so that windows look longer.
    var staleDate: Double
    var episodes: [Episode]
    /// Whether a good key comes with the end of ``Episode/Fault/keyInvalid``.
    var tellsOfKeys: Bool
    var latency: Double
    var lostReplies: Double
    var statementFailures: Double
    /// Between two losses of the session; and how often the process dies with it.
    var sessionLife: Double
    var crashShare: Double
    var rows: [WorldRow]

    /// Whether nobody else touches the quota and every answer tells the truth about it.
    var isAlone: Bool { cotenant == 0 && headers == .full && staleDate == 0 && lostReplies == 0 }
    var badRows: Int { rows.count { $0.isBad } }

    init(_ random: inout SeededRandom, businessID: Int64, rowCount: Int, length: Double) {
        self.length = length
        let isHonest = random.chance(0.5)
        settings = MachineSettings(
            businessID: businessID, maxParallel: random.pick([1, 2, 2, 2, 4]),
            requestsPerWindow: random.pick([20, 1000]), quotaReserve: random.chance(0.2) ? 2 : 0,
            patience: Verdict.Patience(
                backoff: Backoff(base: .seconds(2), max: .seconds(random.pick([60, 900]))),
                notFound: .seconds(random.pick([300, 7200]))))
        limit = random.pick([12, 16, 40, 200, 1000])
        window = random.pick([60, 600, 3600])
        offset = random.seconds(0, 3600).rounded()
        parallel = random.pick([1, 2, 4, 4])
        cotenant = isHonest ? 0 : random.chance(0.5) ? Double(limit) / window * random.seconds(0.1, 1.2) : 0
        headers = isHonest ? .full : random.pick(Headers.allCases)
        staleDate = isHonest ? 0 : random.chance(0.2) ? random.seconds(0, 30_000) : 0
        latency = random.pick([0.005, 0.05, 0.3])
        lostReplies = isHonest ? 0 : random.pick([0, 0.01, 0.1])
        statementFailures = random.pick([0, 0, 0.02])
        sessionLife = random.pick([1e9, 1e9, 3000, 300])
        crashShare = random.pick([0, 0.5])
        episodes = []
        tellsOfKeys = random.chance(0.5)
        for _ in 0..<random.below(4) {
            let start = random.seconds(0, length * 0.7)
            let fault = random.pick(
                [Episode.Fault.out, .orderOut, .returnOut, .keyInvalid, .hostAway, .migration, .malformed])
            episodes.append(Episode(fault: fault, span: start..<start + random.seconds(5, 1500)))
        }
        rows = []
        // Some worlds are plain: nothing goes wrong, and more rows wait than the quota lets through.
        let isPlain = random.chance(0.15)
        if isPlain { makePlain(&random) }
        let badShare = isPlain ? 0 : random.pick([0, 0.05, 0.3, 0.6, 0.9])
        let natures = Self.natures(&random)
        // Crowds of bad rows stand before, behind or between the good ones.
        let crowd = random.below(3)
        for number in 0..<rowCount {
            let isBad = random.chance(badShare)
            let inserted = isPlain || random.chance(0.5) ? 0 : random.seconds(0, length * 0.6)
            let shift = crowd == 0 && isBad ? -100.0 : crowd == 1 && isBad ? 0.5 : 0
            rows.append(
                WorldRow(
                    id: businessID * 1000 + Int64(number), kind: random.chance(0.7) ? .order : .return,
                    nature: isBad ? Self.nature(&random, natures, length) : .good,
                    priority: Int16(crowd == 0 && isBad ? 3 : random.chance(0.2) ? random.below(4) : 0),
                    insertedAt: inserted,
                    dueAt: inserted + shift + (!isPlain && random.chance(0.1) ? random.seconds(1, 600) : 0)))
        }
    }

    mutating func makePlain(_ random: inout SeededRandom) {
        (cotenant, headers, staleDate, lostReplies, statementFailures) = (0, .full, 0, 0, 0)
        (episodes, sessionLife, parallel) = ([], 1e9, 4)
        (limit, window) = (random.pick([12, 16, 40]), random.pick([60, 600, 3600]))
    }

    private static func natures(_ random: inout SeededRandom) -> [Int] {
        (0..<random.pick([1, 1, 2, 9])).map { _ in random.below(10) }
    }

    private static func nature(_ random: inout SeededRandom, _ natures: [Int], _ length: Double) -> WorldRow.Nature {
        switch random.pick(natures) {
        case 0: .forbidden
        case 1: .failing(status: 500, retryAfter: nil)
        case 2: .failing(status: 503, retryAfter: random.pick([1, 8, 100, 20_000]))
        case 3: .malformed
        case 4: .neverFound
        case 5: .foundAfter(random.seconds(0, length))
        case 6: .odd(random.pick([402, 410, 451]))
        case 7: .hangs
        case 8: .invalid
        // For ever is an hour: each result is written again every few seconds, which makes worlds slow.
        default: .unwritable(until: random.chance(0.5) ? random.seconds(3000, 4000) : random.seconds(0, 3000))
        }
    }

    func has(_ fault: Episode.Fault, at now: Double) -> Bool {
        episodes.contains { $0.fault == fault && $0.span.contains(now) }
    }
}
