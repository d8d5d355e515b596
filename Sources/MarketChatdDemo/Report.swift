import FoundationEssentials
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

    init(_ verification: Verification, seed: UInt64, duration: Duration) {
        self.seed = seed
        self.duration = duration
        checks = verification.checks()
        businesses = verification.market.businesses.map { state in
            let rows = verification.rows.filter { $0.context.businessID == state.id }
            return Business(
                id: state.id, orders: Counts(rows.filter { $0.context.kind == .order }),
                returns: Counts(rows.filter { $0.context.kind == .return }), requests: state.requests)
        }
        troubles = Self.troubles(verification.market)
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

/// How a report reads.
enum Summary {
    /// So many places of one check are named; the rest is counted.
    private static let shownProblems = 8

    static func lines(_ report: Report) -> [StyledLine] {
        var lines: [StyledLine] = [
            "", StyledLine("Summary", .strong),
            StyledLine("  business      orders          returns        requests", .faint),
            StyledLine("            created rejected  created rejected  to the Market", .faint),
        ]
        lines += report.businesses.map(business)
        if !report.troubles.isEmpty {
            lines += ["", StyledLine("What stood in the way", .strong)]
            lines += report.troubles.map { StyledLine("\($0.count)".right(6) + "  \($0.name)") }
        }
        lines += ["", StyledLine("Checks", .strong)]
        lines += report.checks.flatMap(check)
        lines += ["", verdict(report)]
        return lines
    }

    private static func business(_ business: Report.Business) -> StyledLine {
        let counts = [business.orders.created, business.orders.rejected, business.returns.created]
        let pending = business.orders.pending + business.returns.pending
        return StyledLine("  " + "\(business.id)".right(8))
            + StyledLine("\(counts[0])".right(9) + "\(counts[1])".right(9) + "\(counts[2])".right(9))
            + StyledLine("\(business.returns.rejected)".right(9) + "\(business.requests)".right(15))
            + StyledLine(pending > 0 ? "  \(pending) still due" : "", .bad)
    }

    static func check(_ check: Check) -> [StyledLine] {
        let mark = check.holds ? StyledLine("  ok      ", .good) : StyledLine("  FAILED  ", .bad)
        var lines = [mark + StyledLine(check.name) + StyledLine(" (\(check.extent))", .faint)]
        lines += check.problems.prefix(shownProblems).map { StyledLine("            \($0)", .bad) }
        let rest = check.problems.count - shownProblems
        if rest > 0 { lines.append(StyledLine("            and \(rest) more", .bad)) }
        return lines
    }

    private static func verdict(_ report: Report) -> StyledLine {
        let failed = report.checks.count { !$0.holds }
        return failed == 0
            ? StyledLine("All of it holds, \(report.duration.inTenths) after the first order.", .good)
            : StyledLine("\(failed) of \(report.checks.count) checks failed.", .bad)
    }
}

/// The report for a program: `--json`.
struct SummaryDocument: Encodable, Sendable {
    var ok: Bool
    var seed: UInt64
    var seconds: Double
    var businesses: [Business]
    var troubles: [String: Int]
    var checks: [CheckEntry]

    struct Business: Encodable, Sendable {
        var businessId: Int64
        var orders: Counts
        var returns: Counts
        var requests: Int
    }

    struct Counts: Encodable, Sendable {
        var created: Int
        var rejected: Int
        var pending: Int

        init(_ counts: Report.Counts) {
            (created, rejected, pending) = (counts.created, counts.rejected, counts.pending)
        }
    }

    struct CheckEntry: Encodable, Sendable {
        var name: String
        var ok: Bool
        var extent: String
        var problems: [String]
    }

    init(_ report: Report) {
        ok = report.holds
        seed = report.seed
        seconds = report.duration / .seconds(1)
        businesses = report.businesses.map {
            Business(
                businessId: $0.id, orders: Counts($0.orders), returns: Counts($0.returns), requests: $0.requests)
        }
        troubles = Dictionary(uniqueKeysWithValues: report.troubles.map { ($0.name, $0.count) })
        checks = report.checks.map {
            CheckEntry(name: $0.name, ok: $0.holds, extent: $0.extent, problems: $0.problems)
        }
    }

    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}
