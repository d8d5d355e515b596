/// What the database tells by itself.
public enum OutboxSignal: Sendable, Equatable {
    /// A producer committed a row of this business while its owner was asleep, or an operator changed something.
    case changed(businessID: Int64)
    /// The other session whose sleep made producers of this business notify is awake: see ``Sleep/covered``.
    case coverEnded(businessID: Int64)
    /// A person wants whatever the business is held for to be tried at once.
    case holdEnded(businessID: Int64)
}
