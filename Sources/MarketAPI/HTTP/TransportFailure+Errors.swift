import AsyncHTTPClient
import NIOCore
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

extension TransportFailure {
    /// What an error of the HTTP client, of the sockets or of TLS means. Told by type; texts are ours, or constants of
    /// the libraries, so that no header and no URL gets into them.
    init(_ error: any Error) {
        switch error {
        case is CancellationError: self = .cancelled
        case let error as HTTPClientError: self.init(client: error)
        case let error as NIOConnectionError: self.init(connecting: error)
        case let error as IOError: self.init(errno: error.errnoCode)
        case is SocketAddressError.UnknownHost: self = .nameNotResolved("the host name is unknown")
        case let error as NIOSSLError: self.init(tls: error)
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            self = .insecure("the server's certificate is not for this host")
        case is NIOSSLExtraError: self = .insecure("the host name cannot be compared with a certificate")
        case is BoringSSLError, is NIOSSLCloseTimedOutError: self = .connectionLost("TLS failed in mid-connection")
        case let error as ChannelError: self.init(channel: error)
        case let error as HTTPParserError: self = .connectionLost("the answer is not HTTP: \(error)")
        case is EventLoopError: self = .cancelled
        default: self = .connectionLost("\(type(of: error))")
        }
    }

    private init(client error: HTTPClientError) {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout:
            self = .timedOut
        case .connectTimeout, .getConnectionFromPoolTimeout:
            self = .notConnected("no connection came about in time")
        case .tlsHandshakeTimeout:
            self = .notConnected("the TLS handshake took too long")
        case .cancelled, .alreadyShutdown:
            // Nobody else cancels requests but the client's own shutdown.
            self = .cancelled
        case .remoteConnectionClosed, .uncleanShutdown:
            self = .connectionLost("the server closed the connection")
        default:
            self = .connectionLost(error.shortDescription)
        }
    }

    /// Names are resolved and addresses are tried: several of each, hence several errors.
    private init(connecting error: NIOConnectionError) {
        if let first = error.connectionErrors.first {
            let failure = TransportFailure(first.error)
            // Nothing was connected, whatever the errno.
            if case .connectionLost(let text) = failure { self = .notConnected(text) } else { self = failure }
        } else {
            self = .nameNotResolved("the host name cannot be resolved")
        }
    }

    private init(errno code: CInt) {
        switch code {
        case ECONNREFUSED: self = .notConnected("connection refused")
        case ENETUNREACH: self = .notConnected("network unreachable")
        case EHOSTUNREACH: self = .notConnected("host unreachable")
        case EADDRNOTAVAIL: self = .notConnected("no local address or port is free")
        case EMFILE, ENFILE: self = .notConnected("too many open files")
        case EACCES, EPERM: self = .notConnected("connecting is not permitted here")
        case EAFNOSUPPORT: self = .notConnected("this kind of address is not supported here")
        case ECONNRESET, EPIPE: self = .connectionLost("connection reset")
        case ETIMEDOUT: self = .connectionLost("the host does not answer any more")
        default: self = .connectionLost("errno \(code)")
        }
    }

    private init(channel error: ChannelError) {
        switch error {
        case .connectTimeout: self = .notConnected("no connection came about in time")
        default: self = .connectionLost("the server closed the connection")
        }
    }

    private init(tls error: NIOSSLError) {
        switch error {
        case .handshakeFailed(.sslError(let stack)):
            if stack.contains(.eofDuringHandshake) {
                self = .notConnected("the server closed the connection in the TLS handshake")
            } else {
                self = .insecure("the TLS handshake failed: " + Self.reason(of: stack))
            }
        case .handshakeFailed(.syscallError), .handshakeFailed(.zeroReturn):
            self = .notConnected("the server closed the connection in the TLS handshake")
        case .handshakeFailed:
            self = .insecure("the TLS handshake failed")
        case .noSuchFilesystemObject, .failedToLoadCertificate:
            self = .insecure("the system's trusted certificates cannot be read; are ca-certificates installed?")
        case .noCertificateToValidate, .unableToValidateCertificate, .cannotMatchULabel, .cannotFindPeerIP:
            self = .insecure("the server's certificate cannot be validated")
        default:
            self = .connectionLost("TLS failed in mid-connection")
        }
    }

    /// `CERTIFICATE_VERIFY_FAILED`, out of `Error: 268435581 error:1000007d:SSL routines:OPENSSL_internal:…` with its
    /// source file and line. For the reader's eye only.
    private static func reason(of stack: NIOBoringSSLErrorStack) -> String {
        let parts = (stack.first?.description ?? "").split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 5, let word = parts[5].split(separator: " ").first else { return "no reason given" }
        let isWord = word.utf8.allSatisfy { $0 == UInt8(ascii: "_") || 0x41...0x5A ~= $0 || 0x30...0x39 ~= $0 }
        return isWord && word.utf8.count <= 80 ? String(word) : "no reason given"
    }
}
