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
