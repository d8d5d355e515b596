import MarketSandbox

/// The pure Market with a clock that the test moves, and the shortest way to ask it something.
struct MarketFixture {
    var market: SandboxMarket
    var now = SandboxMoment(wallNanoseconds: 1_800_000_000_000_000_000, monotonicNanoseconds: 5_000_000_000)

    init(_ change: (inout SandboxOptions) -> Void = { _ in }) {
        var options = SandboxOptions()
        change(&options)
        market = SandboxMarket(options: options)
    }

    mutating func advance(_ duration: Duration) {
        let nanoseconds = Int64(duration / .nanoseconds(1))
        now.wallNanoseconds += nanoseconds
        now.monotonicNanoseconds += UInt64(nanoseconds)
    }

    static func request(
        _ body: String = #"{"context":{"type":"ORDER","id":17}}"#, business: String = "1001",
        key: String? = SandboxKey.defaultToken, contentType: String? = "application/json"
    ) -> SandboxRequest {
        SandboxRequest(
            method: "POST", target: "/v2/businesses/\(business)/chats/new", apiKey: key, contentType: contentType,
            body: Array(body.utf8))
    }

    mutating func ask(_ request: SandboxRequest) -> SandboxReply {
        let ticket = market.admit(request, arrival: now.monotonicNanoseconds, at: now)
        return market.settle(ticket, at: now)
    }

    mutating func ask(order id: Int64, business: Int64 = 1001) -> SandboxReply {
        ask(Self.request(#"{"context":{"type":"ORDER","id":\#(id)}}"#, business: "\(business)"))
    }

    mutating func ask(return id: Int64, business: Int64 = 1001) -> SandboxReply {
        ask(Self.request(#"{"context":{"type":"RETURN","id":\#(id)}}"#, business: "\(business)"))
    }

    mutating func strike(_ faults: SandboxFaults) throws {
        var change = SandboxChange()
        change.faults = faults
        try market.apply(change)
    }

    mutating func business(_ id: Int64 = 1001) -> SandboxState.Business? {
        market.state(at: now).businesses.first { $0.id == id }
    }
}

extension SandboxReply {
    var text: String { String(decoding: body, as: UTF8.self) }
    var remaining: Int? { header("X-RateLimit-Resource-Remaining").flatMap { Int($0) } }
    /// The first error's message, as far as a test needs to read it.
    func says(_ message: String) -> Bool { text.contains(#""message":"\#(message)""#) }
}

extension SandboxFaults {
    /// This one always, and no other.
    static func only(_ path: WritableKeyPath<Self, Double>) -> Self {
        var faults = Self()
        faults[keyPath: path] = 1
        return faults
    }
}
