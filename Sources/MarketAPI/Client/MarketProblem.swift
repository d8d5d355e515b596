/// An error body, in whichever shape it came.
public struct MarketProblem: Sendable, Equatable {
    /// The first error's code, or the older shape's number; `nil` where there is none. At most 200 characters.
    public var code: String?
    /// The first error's message; where the body is not an error body, its first characters. At most 1,000 characters.
    public var message: String?

    public init(code: String? = nil, message: String? = nil) {
        self.code = code
        self.message = message
    }
}
