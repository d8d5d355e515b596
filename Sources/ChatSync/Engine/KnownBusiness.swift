import ChatOutbox

/// What was known of a business at some moment, for its next owner and for those who read SQL.
struct KnownBusiness: Sendable {
    private let record: BusinessRecord
    private let recordedAt: Moment
    /// The session that owned the business then. Only through it the record is written.
    let owner: LiveSession?

    /// Where nothing but the quota changes, it is written so seldom.
    static let pause = Duration.seconds(2)

    init(record: BusinessRecord, recordedAt: Moment, owner: LiveSession?) {
        self.record = record
        self.recordedAt = recordedAt
        self.owner = owner
    }

    var businessID: Int64 { record.businessID }

    /// The record as of now.
    func record(now: Moment) -> BusinessRecord {
        var record = record
        let since = max(now - recordedAt, .zero)
        if let hold = record.hold { record.hold?.endsIn = max(hold.endsIn - since, .zero) }
        if let quota = record.quota { record.quota?.resetsIn = max(quota.resetsIn - since, .zero) }
        return record
    }

    func isLater(than other: KnownBusiness?) -> Bool {
        other.map { recordedAt >= $0.recordedAt } ?? true
    }

    /// Whether it is worth a write now, after what was written last.
    func isNews(after last: KnownBusiness?, now: Moment) -> Bool {
        guard let last, last.owner === owner else { return true }
        // Results come in any order, and what was learned later holds.
        guard isLater(than: last) else { return false }
        if now - last.recordedAt >= Self.pause { return true }
        let before = last.record(now: recordedAt)
        guard record.hold?.reason == before.hold?.reason else { return true }
        let shift = (record.hold?.endsIn ?? .zero) - (before.hold?.endsIn ?? .zero)
        return shift > .seconds(1) || shift < .seconds(-1)
    }

    /// Whether it is later than what was written last, and has another rest of the quota.
    func hasOtherQuota(than last: KnownBusiness?) -> Bool {
        isLater(than: last) && record.quota?.remaining != last?.record.quota?.remaining
    }
}

/// By business.
extension [Int64: KnownBusiness] {
    /// Of two of one business, the later one stays.
    mutating func keep(_ known: KnownBusiness) {
        if known.isLater(than: self[known.businessID]) { self[known.businessID] = known }
    }
}
