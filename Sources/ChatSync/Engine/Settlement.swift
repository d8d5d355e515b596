import ChatOutbox

/// A result on its way to the database, and what was known of its business when it was sent.
struct Settlement: Sendable {
    var result: RowResult
    var known: KnownBusiness
}
