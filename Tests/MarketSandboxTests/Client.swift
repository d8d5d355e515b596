import AsyncHTTPClient
import MarketSandbox
import NIOCore
import NIOHTTP1

/// A client that knows nothing of the sandbox but its address.
enum Client {
    struct Answer {
        var status: Int
        var headers: HTTPHeaders
        var body: String
    }

    static func send(
        _ sandbox: MarketSandboxServer, _ method: String, _ target: String, body: String? = nil,
        headers: [(String, String)] = [("Api-Key", SandboxKey.defaultToken), ("Content-Type", "application/json")],
        deadline: TimeAmount = .seconds(20)
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: sandbox.url + target)
        request.method = .init(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: deadline)
        var collected = try await response.body.collect(upTo: 4 << 20)
        let text = collected.readString(length: collected.readableBytes) ?? ""
        return Answer(status: Int(response.status.code), headers: response.headers, body: text)
    }

    static func createChat(
        _ sandbox: MarketSandboxServer, order id: Int64 = 17, deadline: TimeAmount = .seconds(20)
    ) async throws -> Answer {
        try await send(
            sandbox, "POST", "/v2/businesses/1001/chats/new", body: #"{"context":{"type":"ORDER","id":\#(id)}}"#,
            deadline: deadline)
    }
}
