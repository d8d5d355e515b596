import ChatOutbox
import MarketAPI

@testable import ChatSync

/// One instance: its machine, its session, and all that is on its way to or from it.
struct SmallInstance: Sendable, Hashable {
    var machine: BusinessMachine
    var isSessionAlive = true
    /// At the server: the session has the business.
    var isOwner = false
    /// At the server: the session holds the sleep lock.
    var holdsSleep = false
    /// The session found the sleep lock held by another one, and waits for that one's end.
    var isCovered = false
    /// Locks of a session that the instance has lost already.
    var zombieOwns = false
    var zombieSleeps = false

    /// Asked of the session, in this order.
    var statements: [Statement] = []
    /// What the sleep lock said, where it was tried and the look is still to come.
    var triedSleep: Sleep?
    /// Carried out, and not yet told.
    var answer: Answer?
    var requests: [Request] = []
    var writes: [Write] = []
    var watches: [Watch] = []
    /// Signals on their way.
    var isWoken = false
    var coverHasEnded = false
    var timer: Moment?
    /// Bits of rows whose answer came and is not written.
    var kept: UInt8 = 0

    enum Statement: Sendable, Hashable {
        case read(DueRead)
        case sample(contextType: String?, excluding: [Int64], limit: Int)
        case sleep(DueRead)
        case wakeUp
    }

    enum Answer: Sendable, Hashable {
        case read(DueRows)
        case sampled([DueRow])
        case slept(DueRows, Sleep)
    }

    struct Request: Sendable, Hashable {
        var rowID: Int64
        /// No answer will come; then the client gives up.
        var lostUntil: Moment?
    }

    struct Write: Sendable, Hashable {
        var result: RowResult
        var isApart: Bool
        /// What goes with it to the next owner, as long as the session is the same.
        var memory: SmallMemory?
        /// Known to the server, not yet to the instance.
        var outcome: RowOutcome?
    }

    /// A wait for producers, on a connection of its own.
    struct Watch: Sendable, Hashable {
        /// Whether it stands in the lock's queue, so that new producers notify.
        var isQueued = false
        var limit: Moment
    }

    init(_ world: SmallWorld) {
        machine = BusinessMachine(world.settings)
    }

    static func bit(_ rowID: Int64) -> UInt8 { 1 << UInt8(rowID - 1) }

    /// Whether a question is asked and not answered.
    var isAsking: Bool { answer != nil || statements.contains { $0 != .wakeUp } }

    mutating func elapse(_ time: Duration) {
        machine.elapse(time)
        timer.elapse(time)
        for index in requests.indices { requests[index].lostUntil.elapse(time) }
        for index in watches.indices { watches[index].limit.elapse(time) }
        for index in writes.indices { writes[index].memory?.elapse(time) }
    }

    /// Moments that time may jump to.
    var nextMoments: [Moment] {
        ([timer] + requests.map(\.lostUntil) + watches.map(\.limit)).compactMap { $0 }.filter { $0 > .zero }
    }

    /// The session is no more, at the server.
    mutating func freeLocks() {
        (isOwner, holdsSleep, isCovered) = (false, false, false)
    }

    /// What was asked of a session that is no more is not answered; what it was to write waits for the next one.
    mutating func forgetSession() {
        statements = []
        triedSleep = nil
        answer = nil
        (isWoken, coverHasEnded) = (false, false)
        for index in writes.indices where !writes[index].isApart {
            writes[index].memory = nil
            writes[index].outcome = nil
        }
    }
}

/// `market_chat.business`.
struct SmallMemory: Sendable, Hashable {
    var reason: String?
    var heldUntil = Moment.zero
    var quota: BusinessRecord.Quota?
    var quotaEndsAt = Moment.zero
    var writtenAt = Moment.zero

    init() {}

    init(_ record: BusinessRecord) {
        if let hold = record.hold {
            reason = hold.reason
            heldUntil = .zero + hold.endsIn
        }
        // Else the window is not of interest.
        if let told = record.quota, told.remaining <= 10 {
            quota = told
            quota?.resetsIn = .zero
            quotaEndsAt = .zero + told.resetsIn
        }
    }

    func record(isPaused: Bool) -> BusinessRecord {
        var record = BusinessRecord(
            businessID: SmallWorld.businessID, isPaused: isPaused, age: Moment.zero - writtenAt)
        record.hold = reason.map { BusinessRecord.Hold(reason: $0, endsIn: heldUntil - .zero) }
        record.quota = quota
        record.quota?.resetsIn = quotaEndsAt - .zero
        return record
    }

    mutating func elapse(_ time: Duration) {
        heldUntil.elapse(time)
        quotaEndsAt.elapse(time)
        writtenAt.elapse(time, floor: Moment.longAgo)
        if quotaEndsAt == .zero { quota = nil }
    }
}
