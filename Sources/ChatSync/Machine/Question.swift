import ChatOutbox

/// What the database was asked and has not answered yet. One question at a time.
enum Question: Sendable, Hashable {
    case read(DueRead)
    case sleep(DueRead)
    case sample(contextType: String?)
}
