import ChatOutbox
import ChatSync

extension BusinessReport {
    /// Of all that are listed or that the database shows to be of interest.
    static func all(
        engine: EngineStatus?, overview: OutboxOverview?, listed: [Int64], isConnected: Bool, now: WallTime
    ) -> [BusinessReport] {
        let engines = Dictionary(
            (engine?.businesses ?? []).map { ($0.businessID, $0) }, uniquingKeysWith: { first, _ in first })
        let overviews = Dictionary(
            (overview?.businesses ?? []).map { ($0.businessID, $0) }, uniquingKeysWith: { first, _ in first })
        let ours = Set(listed)
        // What is retired, with nothing left to do and nobody to do it, is no news.
        let others = (overview?.businesses ?? []).filter { other in
            !ours.contains(other.businessID) && (other.owner != nil || other.due + other.later > 0)
        }
        return (listed + others.map(\.businessID).sorted()).map { businessID in
            BusinessReport(
                businessID: businessID, isListed: ours.contains(businessID), engine: engines[businessID],
                overview: overviews[businessID], isConnected: isConnected, now: now)
        }
    }

    /// - Parameters:
    ///   - engine: what this process's engine knows of it.
    ///   - overview: what the database told.
    ///   - isConnected: whether the database can be reached; where not, what it told of owners holds no more.
    init(
        businessID: Int64, isListed: Bool, engine: BusinessStatus?, overview: BusinessOverview?, isConnected: Bool,
        now: WallTime
    ) {
        self.businessID = businessID
        self.isListed = isListed
        self.engine = engine
        let isOurs = isConnected && engine?.isOwned == true
        owner = Self.owner(isOurs: isOurs, overview: overview, isConnected: isConnected)
        isPaused = isOurs ? engine?.isPaused == true : overview?.isPaused == true
        hold = isOurs ? engine?.hold.map(Hold.init) : overview?.hold.map(Hold.init)
        quota = (isOurs ? engine?.quota : nil) ?? overview?.quota
        due = overview?.due
        dueIsAtLeast = overview?.isCapped ?? false
        oldestDueFor = overview?.oldestDueFor
        later = overview?.later
        nextDueIn = overview?.nextDueIn
        createdToday = overview?.createdToday
        rejectedToday = overview?.rejectedToday
        state = .unknown
        why = ""
        next = ""
        if isOurs, let engine { takeCounts(of: engine) }
        state = currentState
        let words = BusinessWords(report: self, now: now)
        why = words.why
        next = words.next
        command = words.command
    }

    /// The engine's counts are of this moment, but they end at a bound where the database counted further.
    private mutating func takeCounts(of engine: BusinessStatus) {
        if !engine.dueIsAtLeast || engine.due >= due ?? 0 {
            due = engine.due
            dueIsAtLeast = engine.dueIsAtLeast
        }
        if let oldest = engine.oldestDueFor { oldestDueFor = oldest }
        if engine.due == 0, !engine.dueIsAtLeast { oldestDueFor = nil }
    }

    private static func owner(isOurs: Bool, overview: BusinessOverview?, isConnected: Bool) -> Owner {
        if isOurs { return .thisInstance }
        guard isConnected, let overview else { return .unknown }
        guard let owner = overview.owner else { return .nobody }
        return owner.isStranger ? .stranger(name: owner.name, processID: owner.processID) : .other(name: owner.name)
    }

    private var currentState: State {
        switch owner {
        case .unknown: return .unknown
        case .nobody: return isListed ? .noOwner : .notListed
        case .stranger: return .blocked
        case .thisInstance, .other: break
        }
        if isPaused { return .paused }
        if let hold { return hold.kind.map(State.held) ?? .heldOtherwise }
        let isBusy = engine.map { $0.inFlight > 0 || $0.unwritten > 0 } ?? false
        return (due ?? 0) > 0 || (owner == .thisInstance && isBusy) ? .working : .idle
    }
}

extension BusinessReport.Hold {
    init(_ hold: BusinessStatus.Hold) {
        self.init(kind: hold.kind, reason: hold.reason, endsIn: hold.endsIn)
    }

    /// A record's reason begins with the kind.
    init(_ hold: BusinessRecord.Hold) {
        self.init(kind: ChatSync.Hold.Kind(ofReason: hold.reason), reason: hold.reason, endsIn: hold.endsIn)
    }

    /// The reason without the kind before it; empty where there is nothing more.
    var detail: String {
        guard let kind, reason.hasPrefix(kind.rawValue) else { return reason }
        return String(reason.dropFirst(kind.rawValue.count).drop { $0 == ":" || $0 == " " })
    }
}
