import ChatOutbox

/// Which businesses a session owns, and what the last poll saw of each.
struct OwnedBusinesses {
    /// Businesses in one statement: more would keep all others waiting.
    static let partSize = 500

    private let all: [Int64]
    private var isOwned: Set<Int64> = []
    private var lastPolls: [Int64: BusinessPoll] = [:]

    init(all: [Int64]) {
        self.all = all
        missing = all
    }

    private(set) var owned: [Int64] = []
    private(set) var missing: [Int64]

    mutating func gained(_ businessIDs: [Int64]) {
        isOwned.formUnion(businessIDs)
        owned += businessIDs
        missing = all.filter { !isOwned.contains($0) }
    }

    /// Whether a poll saw anything that the worker does not know. Of thousands, most are quiet.
    mutating func isNews(_ poll: BusinessPoll) -> Bool {
        let last = lastPolls.updateValue(poll, forKey: poll.businessID)
        let isQuiet = poll.due == 0 && !poll.coverHasEnded && last?.due == 0 && last?.isPaused == poll.isPaused
        return !isQuiet
    }

    func dueFirst(_ records: [BusinessRecord]) -> [BusinessRecord] {
        func isDue(_ record: BusinessRecord) -> Bool { (lastPolls[record.businessID]?.due ?? 0) > 0 }
        return records.filter(isDue) + records.filter { !isDue($0) }
    }

    static func parts(of businessIDs: [Int64]) -> [[Int64]] {
        stride(from: 0, to: businessIDs.count, by: partSize).map {
            Array(businessIDs[$0..<min($0 + partSize, businessIDs.count)])
        }
    }
}
