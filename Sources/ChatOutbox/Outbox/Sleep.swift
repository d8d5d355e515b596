/// Whether producers notify the owner from now on.
public enum Sleep: Sendable, Hashable {
    /// They do.
    case asleep
    /// They do for now, since another session sleeps on the same key. ``OutboxSignal/coverEnded(businessID:)`` or
    /// ``BusinessPoll/coverHasEnded`` tells when it does no more: then ask again.
    case covered
    /// Not those whose transactions are open: see ``Outbox/waitForProducers(of:atMost:)``.
    case producersAreOpen
}
