import ChatOutbox
import MarketAPI

/// A row of the seller's database in a simulated world, and what the Market and the database make of it. Times are
/// seconds since the world began.
struct WorldRow {
    /// How the Market and the database treat it, whatever else happens. What is bad stays bad.
    enum Nature {
        case good
        case invalid
        case forbidden
        case failing(status: Int, retryAfter: Int?)
        case malformed
        case neverFound
        case foundAfter(Double)
        case odd(Int)
        case hangs
        /// The database refuses the result until then.
        case unwritable(until: Double)
    }

    enum State { case absent, pending, created, rejected }

    var id: Int64
    var kind: ChatContext.Kind
    var nature: Nature
    var priority: Int16
    var insertedAt: Double
    var dueAt: Double
    var state = State.absent
    var attempts = 0
    var firstNotFound: Double?
    var notFoundCount = 0

    // What the rules look at.
    var asks = 0
    /// Another session settled it while ours was lost.
    var isSettledElsewhere = false
    /// A chat came back to the present process.
    var isAnswered = false
    var answeredAt = 0.0
    /// For how long it could have been asked for, and was not.
    var waited = 0.0

    /// Whether the Market would create its chat, were it asked.
    func isGood(at now: Double) -> Bool {
        switch nature {
        case .good, .unwritable: true
        case .foundAfter(let time): now >= time
        case .invalid, .forbidden, .failing, .malformed, .neverFound, .odd, .hangs: false
        }
    }

    var isBad: Bool {
        switch nature {
        case .good, .invalid: false
        default: true
        }
    }

    func dueRow(now: Double) -> DueRow {
        DueRow(
            id: id, contextType: kind.rawValue, contextID: id + 1_000_000, priority: priority, attempts: attempts,
            notFoundFor: firstNotFound.map { .seconds(now - $0) }, notFoundCount: notFoundCount,
            dueAtMicroseconds: Int64(dueAt * 1_000_000))
    }
}
