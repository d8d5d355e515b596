import ChatOutbox

/// What a worker shows to the outside: as it was after its last event, brought up to the present by whoever asks.
struct WorkerSnapshot: Sendable {
    var status: BusinessStatus
    var takenAt: Moment

    /// By now, what is to come is nearer, and what has been is longer ago.
    func status(at now: Moment) -> BusinessStatus {
        var status = status
        let since = max(now - takenAt, .zero)
        if let hold = status.hold { status.hold?.endsIn = max(hold.endsIn - since, .zero) }
        if let quota = status.quota { status.quota?.resetsIn = max(quota.resetsIn - since, .zero) }
        if let next = status.nextDueIn { status.nextDueIn = max(next - since, .zero) }
        if let oldest = status.oldestDueFor { status.oldestDueFor = oldest + since }
        return status
    }
}
