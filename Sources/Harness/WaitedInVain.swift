/// A condition that did not come about in time.
public struct WaitedInVain: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) {
        self.description = description
    }
}
