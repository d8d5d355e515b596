/// A request as far as the Market looks at it.
public struct SandboxRequest: Sendable {
    public var method: String
    /// With its query, as sent.
    public var target: String
    public var apiKey: String?
    public var authorization: String?
    public var contentType: String?
    public var body: [UInt8]
    /// Whether more than the 512 KB that the Market takes was sent; `body` is empty then.
    public var isTooLong: Bool

    public init(
        method: String, target: String, apiKey: String? = nil, authorization: String? = nil,
        contentType: String? = nil, body: [UInt8] = [], isTooLong: Bool = false
    ) {
        self.method = method
        self.target = target
        self.apiKey = apiKey
        self.authorization = authorization
        self.contentType = contentType
        self.body = body
        self.isTooLong = isTooLong
    }

    /// The target without its query.
    var path: Substring { target.prefix { $0 != "?" } }

    /// The first value of a query's parameter, as sent.
    func query(_ name: String) -> Substring? {
        target.dropFirst(path.count + 1).split(separator: "&").lazy
            .map { $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false) }
            .first { $0.first == name[...] && $0.count == 2 }?.last
    }
}
