import ChatOutbox

/// A result on its way to the database, and what was known of its business when it was sent.
struct Settlement: Sendable {
    var result: RowResult
    var record: BusinessRecord
    var recordedAt: Moment
    /// The session that owned the business then. Only through it the record is written.
    var owner: LiveSession?

    /// What the next owner should know, as of now.
    func record(now: Moment) -> BusinessRecord {
        var record = record
        let since = max(now - recordedAt, .zero)
        if let hold = record.hold { record.hold?.endsIn = max(hold.endsIn - since, .zero) }
        if let quota = record.quota { record.quota?.resetsIn = max(quota.resetsIn - since, .zero) }
        return record
    }
}
