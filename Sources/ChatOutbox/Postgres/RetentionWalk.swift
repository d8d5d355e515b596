import LibPQ

/// A walk through all rows in the order of their ids, to delete old ones.
public struct RetentionWalk: Sendable, Hashable {
    var lastID: Int64 = 0
    /// How many rows the last step deleted.
    public private(set) var deleted = 0
    /// Whether there are no more for now.
    public private(set) var isOver = false

    public init() {}

    /// Nothing can be deleted now.
    public static let over = RetentionWalk(lastID: 0, deleted: 0, isOver: true)

    init(lastID: Int64, deleted: Int, isOver: Bool) {
        self.lastID = lastID
        self.deleted = deleted
        self.isOver = isOver
    }
}
