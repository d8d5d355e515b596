import ChatOutbox
import ChatSync

/// The line that `systemctl status` shows.
enum StatusLine {
    /// - Parameter now: to turn what is left of a window into a time of day.
    static func text(for status: EngineStatus, at now: WallTime) -> String {
        switch status.phase {
        case .stopped: return "Stopped"
        case .draining:
            let calls = status.businesses.reduce(0) { $0 + $1.inFlight }
            return "Draining, \(counted(calls, "call")) in flight"
        case .starting, .running: break
        }
        if case .connecting(let problem) = status.database {
            return problem.map { "Waiting for the database: \($0)" } ?? "Connecting to the database"
        }
        let isNew = status.databaseFor.map { $0 < firstClaim } ?? false
        if isNew, !status.businesses.contains(where: \.isOwned) {
            return "Connected, looking for businesses without an owner"
        }
        return working(status.businesses, at: now)
    }

    /// Until then after a session began it is not known who owns what.
    private static let firstClaim = Duration.seconds(2)

    /// `2 businesses, 12 due, oldest 4 s, 987/1000 left until 15:00`.
    private static func working(_ businesses: [BusinessStatus], at now: WallTime) -> String {
        let owned = businesses.filter(\.isOwned)
        if owned.isEmpty {
            return "Standing by: another instance owns \(counted(businesses.count, "business", "businesses"))"
        }
        var parts = [
            owned.count == businesses.count
                ? counted(owned.count, "business", "businesses")
                : "\(owned.count) of \(counted(businesses.count, "business", "businesses"))"
        ]
        let due = owned.reduce(0) { $0 + $1.due }
        parts.append("\(due)\(owned.contains(where: \.dueIsAtLeast) ? "+" : "") due")
        if due > 0, let oldest = owned.compactMap(\.oldestDueFor).max() {
            parts.append("oldest \(DurationText.rough(oldest))")
        } else if due == 0, let next = owned.compactMap(\.nextDueIn).min() {
            parts.append("next in \(DurationText.rough(next))")
        }
        let inFlight = owned.reduce(0) { $0 + $1.inFlight }
        if inFlight > 0 { parts.append("\(inFlight) in flight") }
        let paused = owned.count(where: \.isPaused)
        if paused > 0 { parts.append("\(paused) paused") }
        if let quota = scarcest(of: owned) {
            let end = now.advanced(by: quota.resetsIn).roundedToSecond.localTimeOfDay
            parts.append("\(quota.remaining)/\(quota.limit) left until \(end)")
        }
        if let hold = holdText(of: owned) { parts.append(hold) }
        return parts.joined(separator: ", ")
    }

    /// Of the cabinet that has least left.
    private static func scarcest(of businesses: [BusinessStatus]) -> BusinessRecord.Quota? {
        businesses.compactMap(\.quota).min { $0.remaining < $1.remaining }
    }

    private static func holdText(of businesses: [BusinessStatus]) -> String? {
        let held = businesses.filter { $0.hold != nil }
        guard let first = held.first, let hold = first.hold else { return nil }
        let others = held.count > 1 ? " and \(held.count - 1) more" : ""
        return "business \(first.businessID)\(others) held for \(DurationText.rough(hold.endsIn)): \(hold.reason)"
    }
}

extension WallTime {
    /// To the nearest second: a window ends at a whole one, and `now` plus what is left of it misses that a little.
    var roundedToSecond: WallTime {
        WallTime(seconds: seconds + (milliseconds >= 500 ? 1 : 0))
    }
}
