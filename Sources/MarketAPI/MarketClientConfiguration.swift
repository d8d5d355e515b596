import NIOSSL

/// How to reach the Market. A value of this type has been checked.
public struct MarketClientConfiguration: Sendable {
    /// The vendor's host. Source: the vendor's OpenAPI specification, `servers`.
    public static let defaultBaseURL = "https://api.partner.market.yandex.ru"

    let baseURL: BaseURL
    let integration: String
    let requestTimeout: Duration
    let keepAlive: Bool
    let maxConnections: Int
    let extraTrustRoots: [NIOSSLCertificate]

    /// Checks everything, and reports all mistakes at once.
    ///
    /// - Parameters:
    ///   - baseURL: `https://host[:port][/prefix]`; `http://` for a loopback host only.
    ///   - integration: `<name>/<version>`, printable ASCII, 1 to 100 characters. Sent as `X-Market-Integration`, which
    ///     the seller sees in the Market's request log, and as `User-Agent`.
    ///   - requestTimeout: for a whole exchange, from resolving the host's name to the last byte of the answer. 10
    ///     milliseconds to 10 minutes. The Market's own limit is 10 seconds, and a request closed earlier counts as 499
    ///     there.
    ///   - keepAlive: whether connections are used again. The vendor documents Keep-Alive as not supported.
    ///   - maxConnections: to the host at once, 1 to 10,000. A request that finds none free waits, within its timeout.
    ///   - trustRootsFile: a PEM file of certificates to trust besides the system's. Read here, once.
    /// - Throws: ``MarketConfigurationError``.
    public init(
        baseURL: String = Self.defaultBaseURL, integration: String, requestTimeout: Duration = .seconds(15),
        keepAlive: Bool = false, maxConnections: Int = 64, trustRootsFile: String? = nil
    ) throws(MarketConfigurationError) {
        var problems: [MarketConfigurationError.Problem] = []
        var url: BaseURL?
        do {
            url = try BaseURL(baseURL)
        } catch {
            problems.append(.init(field: .baseURL, reason: error.text))
        }
        if let reason = Self.flaw(ofIntegration: integration) {
            problems.append(.init(field: .integration, reason: reason))
        }
        if !(.milliseconds(10)...(.seconds(600)) ~= requestTimeout) {
            problems.append(.init(field: .requestTimeout, reason: "it has to be from 10 milliseconds to 10 minutes"))
        }
        if !(1...10_000 ~= maxConnections) {
            problems.append(.init(field: .maxConnections, reason: "it has to be from 1 to 10000"))
        }
        var certificates: [NIOSSLCertificate] = []
        if let trustRootsFile {
            do {
                certificates = try NIOSSLCertificate.fromPEMFile(trustRootsFile)
            } catch {
                let reason = "it cannot be read, or holds no certificate in PEM form"
                problems.append(.init(field: .trustRootsFile, reason: reason))
            }
        }
        guard let url, problems.isEmpty else { throw MarketConfigurationError(problems: problems) }
        self.baseURL = url
        self.integration = integration
        self.requestTimeout = requestTimeout
        self.keepAlive = keepAlive
        self.maxConnections = maxConnections
        self.extraTrustRoots = certificates
    }

    private static func flaw(ofIntegration text: String) -> String? {
        let bytes = text.utf8
        guard 1...100 ~= bytes.count else { return "it has to have 1 to 100 characters" }
        guard bytes.allSatisfy({ 0x20...0x7E ~= $0 }) else { return "it has to be printable ASCII" }
        guard bytes.first != 0x20, bytes.last != 0x20 else { return "it must not begin or end with a space" }
        return nil
    }
}

/// What is wrong with a ``MarketClientConfiguration``: all of it, not just the first thing.
public struct MarketConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// All of them, one or more.
    public var problems: [Problem]

    /// One mistake. `reason` continues a sentence that begins with the field, and repeats no value.
    public struct Problem: Sendable, Equatable {
        /// Which value it is about.
        public var field: Field
        /// For people; no secret.
        public var reason: String
    }

    /// The parameters of ``MarketClientConfiguration``'s initialiser.
    public enum Field: String, Sendable, CaseIterable {
        case baseURL, integration, requestTimeout, maxConnections, trustRootsFile
    }

    public var description: String {
        problems.map { "\($0.field.rawValue): \($0.reason)" }.joined(separator: "; ")
    }
}
