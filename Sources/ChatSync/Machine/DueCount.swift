import ChatOutbox

/// How many rows are due, as far as is known, for people to see.
struct DueCount: Sendable, Hashable {
    private(set) var count = 0
    private(set) var isAtLeast = false
    private var oldestSince: Moment?

    /// The fallback poll saw this.
    mutating func polled(_ poll: BusinessPoll, now: Moment) {
        count = poll.due
        isAtLeast = poll.dueIsAtLeast
        oldestSince = poll.oldestDueFor.map { now + (.zero - $0) }
    }

    /// A read found all due rows: so many.
    mutating func counted(_ due: Int) {
        count = due
        isAtLeast = false
        if due == 0 { oldestSince = nil }
    }

    /// A row is due no more.
    mutating func settledOne() {
        guard count > 0 else { return }
        count -= 1
        if count == 0, !isAtLeast { oldestSince = nil }
    }

    /// How long the oldest of them has been due.
    func oldestDueFor(now: Moment) -> Duration? {
        oldestSince.map { max(now - $0, .zero) }
    }
}
