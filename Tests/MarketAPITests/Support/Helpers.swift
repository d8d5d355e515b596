import MarketAPI
import NIOPosix
import Testing

/// A key as the Market gives them out, for tests alone.
let testKey = "ACMA:TestTestTestTestTestTestTestTestTestTest:0123abcd"

let someChat = CreateChatRequest(businessID: 7, subject: .context(ChatContext(kind: .order, id: 42)))

/// An answer with a length, so that nothing depends on how the connection ends.
func http(_ status: String, headers: [String] = [], body: String = "") -> String {
    let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers
    return lines.map { $0 + "\r\n" }.joined() + "\r\n" + body
}

let chat7 = http("200 OK", body: #"{"status":"OK","result":{"chatId":7}}"#)

/// Runs `body` with a client, and shuts the client down whatever happens.
func withClient<Result>(
    url: String, requestTimeout: Duration = .seconds(20), keepAlive: Bool = false, maxConnections: Int = 64,
    trustRootsFile: String? = nil, credential: MarketCredential? = .apiKey(SecretString(testKey)),
    _ body: (HTTPMarketClient) async throws -> Result
) async throws -> Result {
    let configuration = try MarketClientConfiguration(
        baseURL: url, integration: "market-chatd/1.2.3", requestTimeout: requestTimeout, keepAlive: keepAlive,
        maxConnections: maxConnections, trustRootsFile: trustRootsFile)
    let client = HTTPMarketClient(
        configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        wallClock: { 1_000_000_000 }, credential: { _ in credential })
    do {
        let result = try await body(client)
        await client.shutdown()
        return result
    } catch {
        await client.shutdown()
        throw error
    }
}

/// Runs `body` with a scripted server, which is stopped whatever happens.
func withServer<Result>(
    onConnect: [RawServer.Step] = [], script: @escaping RawServer.Script = { _ in [] },
    _ body: (RawServer) async throws -> Result
) async throws -> Result {
    let server = try await RawServer.start(onConnect: onConnect, script: script)
    do {
        let result = try await body(server)
        await server.stop()
        return result
    } catch {
        await server.stop()
        throw error
    }
}

/// One `createChat` of a fresh client against a server that answers with `steps`.
func reply(
    to steps: [RawServer.Step], requestTimeout: Duration = .seconds(20)
) async throws -> MarketReply<CreatedChat> {
    try await withServer(script: { _ in steps }) { server in
        try await withClient(url: server.url, requestTimeout: requestTimeout) { await $0.createChat(someChat) }
    }
}
