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
