import MarketSandbox

/// How the demonstration went.
struct Report: Sendable {
    var seed: UInt64
    /// From the first order to the last result.
    var duration: Duration
    var businesses: [Business]
    /// What went wrong on the way, as the Market has counted it; the most frequent first.
    var troubles: [Trouble]
    var checks: [Check]

    struct Business: Sendable {
        var id: Int64
        var orders = Counts()
        var returns = Counts()
        var requests = 0
    }

    struct Counts: Sendable {
        var created = 0
        var rejected = 0
        var pending = 0
    }

    struct Trouble: Sendable {
        var name: String
        var count: Int
    }

    init(_ evidence: Evidence, seed: UInt64, duration: Duration) {
        self.seed = seed
        self.duration = duration
        checks = evidence.checks()
        businesses = evidence.market.businesses.map { state in
            let rows = evidence.rows.filter { $0.context.businessID == state.id }
            return Business(
                id: state.id, orders: Counts(rows.filter { $0.context.kind == .order }),
                returns: Counts(rows.filter { $0.context.kind == .return }), requests: state.requests)
        }
        troubles = Self.troubles(evidence.market)
    }

    /// Whether the demonstration succeeded.
    var holds: Bool { checks.allSatisfy(\.holds) }

    private static func troubles(_ market: SandboxState) -> [Trouble] {
        var counts = market.faults
        counts["not found yet or never"] = market.statuses[404]
        counts["too many in flight"] = market.businesses.reduce(0) { $0 + $1.parallelRefusals }
        return counts.filter { $0.value > 0 }.map { Trouble(name: words[$0.key] ?? $0.key, count: $0.value) }
            .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
    }

    private static let words = [
        "error500": "500", "error502": "502", "error503": "503", "error504": "504 after the work was done",
        "resetBefore": "connection reset", "resetAfter": "connection reset after the work was done",
        "malformed": "answer of no use", "redirect": "redirect", "slow": "slow answer",
    ]
}

extension Report.Counts {
    init(_ rows: [FinalRow]) {
        created = rows.count { $0.state == "created" }
        rejected = rows.count { $0.state == "rejected" }
        pending = rows.count - created - rejected
    }
}
