import Harness
import MarketSandbox

/// One order or return of the seller, and what is in store for it.
struct ShopRow: Sendable, Equatable {
    var context: SandboxContext
    /// When it comes in, counted from the first one.
    var arrival: Duration
    var entry: Entry
    /// When the Market knows it; `nil`: at once.
    var missing: MissingRule?

    /// How it comes to need a chat.
    enum Entry: Sendable {
        /// It is inserted with the status that needs one.
        case atOnce
        /// It is inserted as new, and gets that status later in its transaction.
        case afterChange
        /// Its transaction is rolled back.
        case rolledBack
    }

    /// What has to become of it in the end.
    enum Outcome: Sendable {
        case created, rejected
        /// No trace of it anywhere.
        case nothing
    }

    var outcome: Outcome {
        if entry == .rolledBack { return .nothing }
        return missing == .never || isRefusedReturn ? .rejected : .created
    }

    /// The Market has no chats about returns of a cabinet with DBS shops only.
    var isRefusedReturn: Bool {
        context.kind == .return
            && Traffic.businesses.contains { $0.id == context.businessID && $0.placements == [.dbs] }
    }
}

/// All that the seller's shop will do, drawn before it begins.
struct Traffic: Sendable, Equatable {
    /// In the order of arrival.
    var rows: [ShopRow]

    /// A busy cabinet, a quieter one, and one whose returns the Market refuses.
    static let businesses = [
        SandboxBusiness(id: 1001, placements: [.fbs]), SandboxBusiness(id: 1002, placements: [.fby, .express]),
        SandboxBusiness(id: 1003, placements: [.dbs]),
    ]
    /// Whose turn it is: half of the rows are of the first cabinet, a fifth is of the last.
    private static let turns = [0, 0, 1, 2, 1, 0, 0, 1, 0, 2]
    /// After so many rows comes one more, which is rolled back.
    private static let rowsForEachRollback = 30

    init(_ settings: DemoSettings) {
        var random = SplitMix64(seed: settings.seed)
        let rollbacks = 1 + settings.orders / Self.rowsForEachRollback
        let total = settings.orders + rollbacks
        var lastIDs: [SandboxContext.Kind: Int64] = [
            .order: .random(in: 50_000_000..<60_000_000, using: &random),
            .return: .random(in: 7_000_000..<8_000_000, using: &random),
        ]
        rows = (0..<total).map { index in
            let kind = index % 4 == 3 ? SandboxContext.Kind.return : .order
            let id = lastIDs[kind, default: 0] + .random(in: 1...9, using: &random)
            lastIDs[kind] = id
            let share = (Double(index) + .random(in: 0..<1, using: &random)) / Double(total)
            return ShopRow(
                context: SandboxContext(
                    businessID: Self.businesses[Self.turns[index % Self.turns.count]].id, kind: kind, id: id),
                arrival: settings.pace.arrivals * share,
                entry: index % 5 == 4 ? .afterChange : .atOnce,
                missing: Self.missing(index, lateness: settings.pace.lateness))
        }
        for number in 0..<rollbacks { rows[number * total / rollbacks].entry = .rolledBack }
    }

    /// A thirteenth is never found, as many are found late.
    private static func missing(_ index: Int, lateness: Duration) -> MissingRule? {
        switch index % 13 {
        case 5: .never
        case 9: .untilElapsed(lateness)
        default: nil
        }
    }

    /// Those that have to be settled.
    var lasting: [ShopRow] { rows.filter { $0.entry != .rolledBack } }
}

extension SandboxOptions {
    /// The Market of this demonstration: it knows not all orders, and a good part of its answers goes wrong.
    init(demonstrating traffic: Traffic, _ settings: DemoSettings) {
        self.init()
        seed = settings.seed
        businesses = Traffic.businesses
        quota = settings.quota
        window = settings.pace.quotaWindow
        latency = settings.pace.latency
        // Another integration of each cabinet holds three of the four parallel requests, so that two of ours are one too
        // many.
        sharedParallel = 3
        for row in traffic.rows { missing.ids[row.context.id] = row.missing }
        faults.error500 = 0.03
        faults.error502 = 0.02
        faults.error503 = 0.03
        faults.error504 = 0.02
        faults.resetBefore = 0.02
        faults.resetAfter = 0.02
        faults.malformed = 0.04
        faults.redirect = 0.02
        faults.slow = 0.04
        faults.slowMilliseconds = settings.pace.slowness / .milliseconds(1)
    }
}
