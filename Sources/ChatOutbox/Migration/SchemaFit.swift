/// Whether a program and a schema go together.
public enum SchemaFit: Sendable, Equatable {
    /// - Parameter version: the schema's.
    case fit(version: Int)
    /// One of the two has to be upgraded first.
    case unfit(Diagnosis)
}
