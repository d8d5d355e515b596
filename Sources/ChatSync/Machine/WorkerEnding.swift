/// Why a worker ended.
enum WorkerEnding: Sendable, Hashable {
    /// It was told to.
    case stopped
    /// Nothing is due any more.
    case done
    /// Rows may be due still, but this stands in their way.
    case left(String)
    /// Another instance owns the business.
    case ownedElsewhere
}
