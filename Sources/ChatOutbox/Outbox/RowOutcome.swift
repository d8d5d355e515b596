/// What became of a ``RowResult``.
public enum RowOutcome: Sendable, Hashable {
    /// Written.
    case written
    /// The row is not pending any more, or is gone: somebody else was faster. Nothing was changed.
    case notPending
    /// Not written, for a reason of this row or its business alone, such as a user's trigger or a lock: keep the result
    /// and try again. The text is the database's own.
    case refused(error: String)
}
