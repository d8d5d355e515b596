import AsyncHTTPClient
public import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The Market's Partner API over HTTP/1.1.
///
/// What it keeps to, whatever the server does: TLS certificates are always verified, redirects are never followed (the
/// key goes to no other host), no proxy is taken from the environment, nothing is decompressed, a body is read up to 512
/// KB, and an exchange ends within the configured time. It logs nothing, and no text that it returns holds a key, even
/// where the server repeats it. Nothing runs between requests.
///
/// Call ``shutdown()`` before the last reference goes.
public final class HTTPMarketClient: MarketClient {
    /// The longest body that is read. Source: the vendor's limit for bodies, 512 KB.
    static let maximumBodySize = 512 * 1024

    private let configuration: MarketClientConfiguration
    private let credential: @Sendable (_ businessID: Int64) -> MarketCredential?
    private let wallClock: @Sendable () -> Int64
    private let exchange: HTTPExchange
    private let client: HTTPClient
    private let inFlight = InFlightRequests()
    /// Where none was given.
    private let ownEventLoopGroup: MultiThreadedEventLoopGroup?

    /// - Parameters:
    ///   - configuration: where to and how, checked.
    ///   - eventLoopGroup: for the connections; not shut down by this client. `nil`: a thread of its own.
    ///   - wallClock: seconds since 1970; stands in for the `Date` of an answer that has none. `nil`: the system's.
    ///   - credential: what authorises the calls for a business; `nil` where there is nothing. Asked for every request,
    ///     so a key may change at any time.
    public init(
        configuration: MarketClientConfiguration, eventLoopGroup: (any EventLoopGroup)? = nil,
        wallClock: (@Sendable () -> Int64)? = nil,
        credential: @escaping @Sendable (_ businessID: Int64) -> MarketCredential?
    ) {
        self.configuration = configuration
        self.credential = credential
        self.wallClock = wallClock ?? { Int64(time(nil)) }
        self.ownEventLoopGroup = eventLoopGroup == nil ? MultiThreadedEventLoopGroup(numberOfThreads: 1) : nil
        let group: any EventLoopGroup = eventLoopGroup ?? ownEventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
        self.client = HTTPClient(
            eventLoopGroupProvider: .shared(group), configuration: Self.clientConfiguration(configuration))
        self.exchange = HTTPExchange(client: client, eventLoopGroup: group, timeout: configuration.requestTimeout)
    }

    /// Ends what is in flight (its answer is ``TransportFailure/cancelled``), closes all connections and frees the
    /// thread. Safe to call twice.
    public func shutdown() async {
        inFlight.close()
        // The error it may throw, that it is shut down already, is none here.
        try? await client.shutdown()
        // An event loop that is gone while somebody still sets a timer on it is a mistake to the library.
        await inFlight.untilEmpty()
        try? await ownEventLoopGroup?.shutdownGracefully()
    }

    public func createChat(_ request: CreateChatRequest) async -> MarketReply<CreatedChat> {
        await reply(to: .createChat(request), businessID: request.businessID) { parsing, status, body in
            parsing.createdChat(status: status, body: body)
        }
    }

    public func keyInfo(businessID: Int64) async -> MarketReply<APIKeyInfo> {
        await reply(to: .keyInfo, businessID: businessID) { parsing, status, body in
            parsing.keyInfo(status: status, body: body)
        }
    }

    public func campaigns(businessID: Int64, pageToken: String?) async -> MarketReply<CampaignPage> {
        await reply(to: .campaigns(pageToken: pageToken), businessID: businessID) { parsing, status, body in
            parsing.campaigns(status: status, body: body)
        }
    }

    private func reply<Value>(
        to call: MarketCall, businessID: Int64,
        parse: (_ parsing: AnswerParsing, _ status: Int, _ body: [UInt8]) -> MarketAnswer<Value>
    ) async -> MarketReply<Value> {
        guard let credential = credential(businessID) else {
            return failure(.noCredentials("there is no API key for business \(businessID)"))
        }
        if let flaw = credential.flaw {
            return failure(.noCredentials("the API key of business \(businessID) cannot be sent: \(flaw)"))
        }
        guard inFlight.enter() else { return failure(.cancelled) }
        defer { inFlight.leave() }
        let safe = SafeText(hiding: credential.secret.revealed())
        let (outcome, head) = await exchange.run(request(for: call, credential: credential))
        let headers = head.map { head in
            AnswerHeaders(now: wallClock(), safe: safe) { head.headers.first(name: $0) }
        }
        let parsing = AnswerParsing(safe: safe)
        let answer: MarketAnswer<Value>
        switch (outcome, head?.status) {
        case (.whole(let body), .some(let status)) where 200...299 ~= status:
            answer = parse(parsing, status, body)
        case (.whole(let body), .some(let status)):
            answer = .httpError(status: status, problem: parsing.problem(body: body))
        case (.tooLarge(let beginning), .some(let status)) where !(200...299 ~= status):
            // The status says it all; the body would only have explained it.
            answer = .httpError(status: status, problem: parsing.problem(body: beginning))
        case (.tooLarge, _):
            answer = .failed(.bodyTooLarge)
        case (.whole, .none):
            answer = .failed(.connectionLost("an answer without a status"))
        case (.failed(let failure), _):
            answer = .failed(failure)
        }
        return MarketReply(
            answer: answer, quota: headers?.quota, retryAfter: headers?.retryAfter, traceID: headers?.traceID)
    }

    private func failure<Value>(_ failure: TransportFailure) -> MarketReply<Value> {
        MarketReply(answer: .failed(failure))
    }

    private func request(for call: MarketCall, credential: MarketCredential) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: configuration.baseURL.text + call.path)
        request.method = call.method
        request.headers = [
            credential.header.name: credential.header.value,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": configuration.integration,
            "X-Market-Integration": configuration.integration,
        ]
        if !configuration.keepAlive { request.headers.add(name: "Connection", value: "close") }
        if let body = call.body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        return request
    }

    private static func clientConfiguration(_ configuration: MarketClientConfiguration) -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .fullVerification
        tls.minimumTLSVersion = .tlsv12
        if !configuration.extraTrustRoots.isEmpty {
            tls.additionalTrustRoots = [.certificates(configuration.extraTrustRoots)]
        }
        var pool = HTTPClient.Configuration.ConnectionPool()
        pool.concurrentHTTP1ConnectionsPerHostSoftLimit = configuration.maxConnections
        // Repeating is the caller's decision, and a refused connection is news.
        pool.retryConnectionEstablishment = false
        // Without Keep-Alive a connection idles only where the request it was opened for went away.
        pool.idleTimeout = configuration.keepAlive ? .seconds(30) : .seconds(2)
        var client = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow, connectionPool: pool, decompression: .disabled)
        client.httpVersion = .http1Only
        client.tracing.tracer = nil
        // Shorter than the exchange, so that a host that swallows packets is told from one that does not answer.
        client.timeout.connect = min(.seconds(10), TimeAmount(configuration.requestTimeout * 2 / 3))
        return client
    }
}
