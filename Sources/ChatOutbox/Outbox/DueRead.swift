/// Which due rows a read asks for.
public struct DueRead: Sendable, Hashable {
    /// At most so many rows that were never tried, 1 or more.
    public var limit: Int
    /// At most so many rows that were tried before (`attempts` > 0), of those near the front; 0 or more. With a
    /// ``watermark`` none are read.
    public var repeatLimit: Int
    /// Only rows of this type, `ORDER` or `RETURN`; `nil`: of both.
    public var contextType: String?
    /// Of a read shortly before; spares walking over the dead index entries of settled rows. `nil` reads from the
    /// beginning. Rows that commit late may lie before a watermark, so read without it every few seconds.
    public var watermark: Watermark?

    public init(limit: Int, repeatLimit: Int, contextType: String? = nil, watermark: Watermark? = nil) {
        self.limit = limit
        self.repeatLimit = repeatLimit
        self.contextType = contextType
        self.watermark = watermark
    }
}

/// How far a read of due rows came: within `priority`, all before `dueAtMicroseconds` was seen.
public struct Watermark: Sendable, Hashable {
    /// Of the last row that was read.
    public var priority: Int16
    /// Of the same row, since 2000-01-01 00:00 UTC.
    public var dueAtMicroseconds: Int64

    public init(priority: Int16, dueAtMicroseconds: Int64) {
        self.priority = priority
        self.dueAtMicroseconds = dueAtMicroseconds
    }
}
