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

/// An answer, and how much of it reaches the client.
public struct SandboxReply: Sendable, Equatable {
    public var status: Int
    public var headers: [Header] = []
    public var body: [UInt8]
    public var delivery = Delivery.whole

    public struct Header: Sendable, Equatable {
        public var name: String
        public var value: String
    }

    public enum Delivery: Sendable, Equatable {
        case whole
        /// The connection is reset after so many bytes of the body.
        case cut(after: Int)
        /// The connection is reset and nothing is sent.
        case nothing
    }

    init(status: Int, body: [UInt8], contentType: String = "application/json;charset=utf-8") {
        self.status = status
        self.body = body
        headers = [Header(name: "Content-Type", value: contentType)]
    }

    init(status: Int, json: String) { self.init(status: status, body: Array(json.utf8)) }

    /// A page such as proxies send.
    init(status: Int, title: String) {
        let page =
            "<html><head><title>\(status) \(title)</title></head><body><h1>\(status) \(title)</h1></body></html>\n"
        self.init(status: status, body: Array(page.utf8), contentType: "text/html")
    }

    /// No answer at all.
    static var nothing: Self {
        var reply = Self(status: 0, body: [])
        reply.delivery = .nothing
        return reply
    }

    mutating func set(_ name: String, _ value: String) { headers.append(Header(name: name, value: value)) }

    /// The first header of that name, in any case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
