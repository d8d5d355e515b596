/// What is wrong with the database, and what mends it. For the operator; no part of it is a secret.
public struct Diagnosis: Sendable, Hashable, CustomStringConvertible {
    /// What is wrong and where: it begins with `role@host/database` wherever that is known.
    public var cause: String
    /// What to do: an instruction.
    public var cure: String

    public init(_ cause: String, cure: String) {
        self.cause = cause
        self.cure = cure
    }

    /// With the place before it.
    func at(_ place: DatabasePlace) -> Diagnosis { Diagnosis("\(place): \(cause)", cure: cure) }

    /// Both in one line.
    public var description: String { "\(cause): \(cure)" }
}
