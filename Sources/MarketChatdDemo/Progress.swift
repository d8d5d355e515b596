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
