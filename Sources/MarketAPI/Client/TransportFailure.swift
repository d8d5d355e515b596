/// Why no whole answer came.
public enum TransportFailure: Sendable, Equatable {
    /// The deadline passed. The Market may have done what was asked.
    case timedOut
    /// Name resolution failed.
    case nameNotResolved(String)
    /// No connection came about: the Market has not seen the request.
    case notConnected(String)
    /// TLS failed, an untrusted certificate included: the Market has not seen the request.
    case insecure(String)
    /// The connection broke. The Market may have done what was asked.
    case connectionLost(String)
    /// The body is longer than 512 KB.
    case bodyTooLarge
    /// There is no API key for the business.
    case noCredentials(String)
    /// The calling task was cancelled.
    case cancelled
}
