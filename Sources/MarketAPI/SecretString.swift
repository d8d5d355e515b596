/// A secret that does not show itself: descriptions, interpolation, `dump` and mirrors all give `***`.
///
/// It is neither `Codable` nor `Hashable`, so that it does not wander into files and keys by accident.
public struct SecretString: Sendable, Equatable {
    private let value: String

    public init(_ value: String) {
        self.value = value
    }

    /// The secret itself. Every use of it is a place to look at in a review.
    public func revealed() -> String {
        value
    }
}

extension SecretString: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "***" }
    public var debugDescription: String { "***" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
