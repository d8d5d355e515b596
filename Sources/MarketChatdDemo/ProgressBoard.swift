/// How progress looks. Pure: lines in, nothing drawn.
enum ProgressBoard {
    private static let barWidth = 30

    /// A block that is drawn over and over at a terminal.
    static func block(_ progress: Progress) -> [StyledLine] {
        var lines: [StyledLine] = [
            bar(progress), "",
            StyledLine("  business   due  created  rejected     quota  in flight", .faint),
        ]
        lines += progress.businesses.map(business)
        lines.append("")
        lines += latest(progress)
        return lines
    }

    /// What arrived last in the shop's own tables; always as many lines.
    static func latest(_ progress: Progress) -> [StyledLine] {
        [StyledLine("  latest in shop.orders and shop.returns", .faint)]
            + (0..<ShopStatements.latest).map { index in
                index < progress.latest.count ? arrival(progress.latest[index]) : "         -"
            }
    }

    private static func bar(_ progress: Progress) -> StyledLine {
        let filled = progress.expected == 0 ? barWidth : progress.settled * barWidth / progress.expected
        return StyledLine("  " + progress.elapsed.inTenths.right(7) + "  [")
            + StyledLine(String(repeating: "#", count: filled), .good)
            + StyledLine(String(repeating: ".", count: max(0, barWidth - filled)), .faint)
            + StyledLine("]  \(progress.settled) of \(progress.expected) settled, \(progress.placed) placed")
    }

    private static func business(_ business: Progress.Business) -> StyledLine {
        let counts = business.counts
        let quota = "\(business.quotaRemaining) of \(business.quotaLimit)"
        return StyledLine("  " + "\(business.id)".right(8) + "\(counts.pending)".right(6))
            + StyledLine("\(counts.created)".right(9), counts.created > 0 ? .good : .plain)
            + StyledLine("\(counts.rejected)".right(10), counts.rejected > 0 ? .attention : .plain)
            + StyledLine(quota.right(10), business.quotaRemaining == 0 ? .attention : .plain)
            + StyledLine("\(business.inFlight)".right(11)) + StyledLine("  " + business.obstacle, .attention)
    }

    private static func arrival(_ arrival: ShopSnapshot.Arrival) -> StyledLine {
        let name = StyledLine(
            "  " + "\(arrival.businessID)".right(8) + "  " + arrival.kind.left(7) + arrival.id.left(10))
        guard let chatID = arrival.chatID else { return name + StyledLine("rejected: \(arrival.error)", .attention) }
        return name + StyledLine("chat \(chatID)", .good)
    }

    /// One line for a log or a pipe.
    static func line(_ progress: Progress) -> StyledLine {
        let businesses = progress.businesses.map { business in
            let obstacle = business.obstacle.isEmpty ? "" : " (\(business.obstacle))"
            return "\(business.id): \(business.counts.pending) due, quota "
                + "\(business.quotaRemaining) of \(business.quotaLimit)\(obstacle)"
        }
        let counts = "\(progress.placed) of \(progress.expected) placed, \(progress.settled) settled"
        return StyledLine(
            progress.elapsed.inTenths.right(7) + "  " + counts + "; " + businesses.joined(separator: "; "))
    }
}
