import MarketSandbox

/// One moment of the demonstration, for the display.
struct Progress: Sendable, Equatable {
    var elapsed: Duration
    /// Rows that have to be settled in the end.
    var expected: Int
    /// Those of them that the shop has written.
    var placed: Int
    var businesses: [Business]
    var latest: [ShopSnapshot.Arrival]

    struct Business: Sendable, Equatable {
        var id: Int64
        var counts: ShopSnapshot.Counts
        /// As the Market has counted it.
        var quotaLimit: Int
        var quotaRemaining: Int
        var inFlight: Int
        /// Seconds until the next window; `nil` where that makes no difference.
        var windowEndsIn: Int?

        /// Why it does not go faster; empty: nothing is in the way.
        var obstacle: String {
            if let windowEndsIn { return "quota used up for \(windowEndsIn) s" }
            if let hold = counts.hold { return "held for \(hold.seconds) s: \(hold.reason)" }
            return ""
        }
    }

    init(
        elapsed: Duration, expected: Int, placed: Int, snapshot: ShopSnapshot, market: SandboxState,
        secondsSince1970 now: Double
    ) {
        self.elapsed = elapsed
        self.expected = expected
        self.placed = placed
        latest = snapshot.latest
        businesses = market.businesses.map { state in
            let counts = snapshot.businesses[state.id] ?? ShopSnapshot.Counts()
            let isUsedUp = state.quotaRemaining == 0 && counts.pending > 0
            let end = state.windows.last.map { Double($0.untilSeconds) } ?? now
            return Business(
                id: state.id, counts: counts, quotaLimit: state.quotaLimit, quotaRemaining: state.quotaRemaining,
                inFlight: state.inFlight, windowEndsIn: isUsedUp ? max(0, Int((end - now).rounded(.up))) : nil)
        }
    }

    var settled: Int { businesses.reduce(0) { $0 + $1.counts.created + $1.counts.rejected } }
    var isComplete: Bool { settled >= expected }
}

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
            + (0..<ShopQueries.latest).map { index in
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

/// Shows progress: at a terminal it draws over what it drew before, elsewhere it writes a line a second.
struct ProgressDisplay {
    let terminal: Terminal
    private var drawnLines = 0
    private var lastLineAt: Duration?

    private static let pauseBetweenLines = Duration.seconds(1)

    init(terminal: Terminal) {
        self.terminal = terminal
    }

    /// - Parameter isLast: show it in any case.
    mutating func show(_ progress: Progress, isLast: Bool = false) throws {
        if terminal.isTerminal { try draw(progress) } else { try writeLine(progress, isLast: isLast) }
    }

    private mutating func draw(_ progress: Progress) throws {
        let columns = terminal.columns
        let lines = ProgressBoard.block(progress)
        // Up to where the block begins, each line anew, and nothing left behind it. In one piece, so that nothing flickers.
        let up = drawnLines > 0 ? "\r\u{1B}[\(drawnLines)A" : ""
        let text = lines.map { $0.text(usesColour: terminal.usesColour, columns: columns - 1) + "\u{1B}[K\n" }.joined()
        try terminal.write(up + text)
        drawnLines = lines.count
    }

    private mutating func writeLine(_ progress: Progress, isLast: Bool) throws {
        let isDue = lastLineAt.map { progress.elapsed - $0 >= Self.pauseBetweenLines } ?? true
        guard isDue || isLast else { return }
        lastLineAt = progress.elapsed
        try terminal.write([ProgressBoard.line(progress)] + (isLast ? [""] + ProgressBoard.latest(progress) : []))
    }
}
