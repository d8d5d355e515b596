import ChatOutbox

/// What a worker shows to the outside.
struct WorkerBoard: Sendable {
    /// As it was when the loop last turned.
    var status: BusinessStatus
    /// When the loop last turned.
    var lastTurn: Moment
    /// Nothing is left to do: it turns no more.
    var hasEnded = false
    /// When the oldest due row was last looked for.
    var lastPoll: Moment

    /// The fallback poll saw this.
    mutating func polled(_ poll: BusinessPoll, now: Moment) {
        lastPoll = now
        status.due = poll.due
        status.dueIsAtLeast = poll.dueIsAtLeast
        status.oldestDueFor = poll.oldestDueFor
    }

    /// A read found all due rows: so many.
    mutating func counted(_ due: Int) {
        status.due = due
        status.dueIsAtLeast = false
        if due == 0 { status.oldestDueFor = nil }
    }

    /// A row is due no more.
    mutating func settledOne() {
        guard status.due > 0 else { return }
        status.due -= 1
        if status.due == 0, !status.dueIsAtLeast { status.oldestDueFor = nil }
    }

    /// By now, what is to come is nearer, and what has been is longer ago.
    func status(at now: Moment) -> BusinessStatus {
        var status = status
        let sinceTurn = max(now - lastTurn, .zero)
        if let hold = status.hold { status.hold?.endsIn = max(hold.endsIn - sinceTurn, .zero) }
        if let quota = status.quota { status.quota?.resetsIn = max(quota.resetsIn - sinceTurn, .zero) }
        if let oldest = status.oldestDueFor { status.oldestDueFor = oldest + max(now - lastPoll, .zero) }
        return status
    }
}
