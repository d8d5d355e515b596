import ChatOutbox
import MarketAPI

@testable import ChatSync

/// One business small enough to visit all that can happen to it: a few rows, two instances, and a few faults.
public struct SmallWorld: Sendable {
    public var name: String
    var rows: [Row]
    var faults: Faults
    /// Requests in flight.
    var maxParallel = 2
    /// Whether another session sleeps on the same key at first.
    var hasNeighbour = false

    /// A row, and what the Market and the database make of it.
    struct Row: Sendable {
        var fate: Fate
        var contextType = "ORDER"
        var priority: Int16 = 0
        /// Whether a producer inserts it while the instances run, and commits later.
        var isLate = false

        var isGood: Bool { fate == .good }
    }

    enum Fate: Sendable {
        case good
        /// The Market always answers 403, 500, 404 `Order not found`, or 200 without a chat.
        case forbidden, failing, notFound, malformed
        /// The Market gives a chat, and the database does not take it until somebody mends it.
        case unwritable
    }

    /// How often each of these happens at most.
    struct Faults: Sendable, Hashable {
        /// An instance dies, and a new one takes its place.
        var crashes: UInt8 = 0
        /// A session ends at the server, and its instance learns it later.
        var deaths: UInt8 = 0
        /// A session is lost for its instance, and the server keeps its locks for a while.
        var zombies: UInt8 = 0
        /// A request gets no answer for 30 seconds.
        var lostReplies: UInt8 = 0
        /// A request gets 420; once without saying until when.
        var quotas: UInt8 = 0
        /// A statement fails, and the session goes on.
        var failedStatements: UInt8 = 0
        /// Time passes while the database or the Market have not answered yet.
        var slowAnswers: UInt8 = 0
        /// The fallback poll.
        var polls: UInt8 = 0
        /// The keys are read again.
        var keyChanges: UInt8 = 0
        /// An operator pauses the business, or lets it go on.
        var pauses: UInt8 = 0
    }

    /// The first row's id is 1.
    func row(_ id: Int64) -> Row { rows[Int(id) - 1] }
    var ids: [Int64] { rows.indices.map { Int64($0) + 1 } }
    var badRows: Int { rows.count { !$0.isGood } }

    static let businessID: Int64 = 7
    static let requestTimeout = Duration.seconds(30)
    static let watchLimit = Duration.seconds(10)
    /// How long a 404 is believed to pass.
    static let notFoundPatience = Duration.seconds(60)
    /// From so many on, all backoffs are the longest.
    static let mostAttempts = 6

    var settings: MachineSettings {
        MachineSettings(
            businessID: Self.businessID, maxParallel: maxParallel,
            patience: Verdict.Patience(
                backoff: Backoff(base: .seconds(2), max: .seconds(60)), notFound: Self.notFoundPatience),
            windowJitter: .seconds(1))
    }

    func chatID(of rowID: Int64) -> Int64 { 1000 + rowID }
}

extension SmallWorld {
    /// Two instances take turns: crashes, lost commits, lost answers.
    public static let twoInstances = SmallWorld(
        name: "twoInstances", rows: [Row(fate: .good), Row(fate: .good, isLate: true)],
        faults: Faults(crashes: 1, deaths: 1, zombies: 1, lostReplies: 1, slowAnswers: 1))
    public static let badRows403 = SmallWorld(
        name: "badRows403",
        rows: [Row(fate: .forbidden), Row(fate: .forbidden), Row(fate: .good, isLate: true)],
        faults: Faults(crashes: 1, lostReplies: 1, slowAnswers: 1, keyChanges: 1))
    public static let badRows500 = SmallWorld(
        name: "badRows500",
        rows: [Row(fate: .failing), Row(fate: .malformed), Row(fate: .good, contextType: "RETURN", isLate: true)],
        faults: Faults(deaths: 1, lostReplies: 1, slowAnswers: 1))
    public static let refusedWrites = SmallWorld(
        name: "refusedWrites", rows: [Row(fate: .unwritable), Row(fate: .good), Row(fate: .failing, priority: 1)],
        faults: Faults(crashes: 1, deaths: 1, zombies: 1))
    public static let lateProducers = SmallWorld(
        name: "lateProducers",
        rows: [Row(fate: .good, isLate: true), Row(fate: .good, priority: 1, isLate: true), Row(fate: .notFound)],
        faults: Faults(zombies: 1, failedStatements: 1, slowAnswers: 1))
    /// The quota is used up, and an owner dies meanwhile.
    public static let quota = SmallWorld(
        name: "quota", rows: [Row(fate: .good), Row(fate: .good, isLate: true), Row(fate: .notFound)],
        faults: Faults(crashes: 1, lostReplies: 1, quotas: 2, slowAnswers: 1))
    /// Another session sleeps on the same key; an operator pauses; statements fail.
    public static let neighbour = SmallWorld(
        name: "neighbour", rows: [Row(fate: .good, isLate: true), Row(fate: .good, isLate: true)],
        faults: Faults(deaths: 1, failedStatements: 1, polls: 1, pauses: 2), hasNeighbour: true)
    /// All sorts of bad rows at once, four in flight.
    public static let mixed = SmallWorld(
        name: "mixed",
        rows: [
            Row(fate: .forbidden), Row(fate: .failing), Row(fate: .unwritable, contextType: "RETURN"),
            Row(fate: .good, isLate: true),
        ], faults: Faults(zombies: 1, lostReplies: 1), maxParallel: 4)

    public static let all = [
        twoInstances, badRows403, badRows500, refusedWrites, lateProducers, quota, neighbour, mixed,
    ]
}
