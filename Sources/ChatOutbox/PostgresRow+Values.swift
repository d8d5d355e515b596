import LibPQ

// What several statements return in the same form.
extension PostgresRow {
    /// A whole number of microseconds; `nil` for NULL.
    func decodeMicroseconds(_ column: String) throws(PostgresError) -> Duration? {
        try decode(column, as: Int64?.self).map { .microseconds($0) }
    }

    /// The columns `quota_limit`, `quota_remaining` and `quota_microseconds`.
    func decodeQuota() throws(PostgresError) -> BusinessRecord.Quota? {
        guard let limit = try decode("quota_limit", as: Int?.self),
            let remaining = try decode("quota_remaining", as: Int?.self)
        else { return nil }
        return BusinessRecord.Quota(
            limit: limit, remaining: remaining, resetsIn: try decodeMicroseconds("quota_microseconds") ?? .zero)
    }

    /// `hold_reason` and `hold_microseconds`; `nil` where nothing holds the business.
    func decodeHold() throws(PostgresError) -> BusinessRecord.Hold? {
        guard let reason = try decode("hold_reason", as: String?.self) else { return nil }
        return BusinessRecord.Hold(reason: reason, endsIn: try decodeMicroseconds("hold_microseconds") ?? .zero)
    }
}
