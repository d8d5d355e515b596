/// The part of every address that the operator chooses: scheme, host, port and a path to put before the API's own.
///
/// Stricter than a URL parser on purpose: what passes here has one meaning for everybody who reads it afterwards.
struct BaseURL: Sendable, Equatable {
    /// `https://host:8443/prefix`, without a slash at the end.
    let text: String

    /// Why a text is not taken as a base URL. None of them repeats the text, which may hold a password.
    enum Flaw: Error, Equatable {
        case scheme, userInfo, queryOrFragment, host, port, path, plainHTTPToRemoteHost
    }

    init(_ text: String) throws(Flaw) {
        let scheme: String
        let rest: Substring
        if let found = Self.drop("https://", from: text) {
            (scheme, rest) = ("https", found)
        } else if let found = Self.drop("http://", from: text) {
            (scheme, rest) = ("http", found)
        } else {
            throw .scheme
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let path = rest.dropFirst(authority.count)
        if authority.contains("@") { throw .userInfo }
        if path.contains("?") || path.contains("#") { throw .queryOrFragment }
        let (host, port) = try Self.split(authority)
        if scheme == "http", !Self.isLoopback(host) { throw .plainHTTPToRemoteHost }
        let prefix = try Self.checked(path: path)
        self.text = "\(scheme)://\(host)\(port.map { ":\($0)" } ?? "")\(prefix)"
    }

    private static func drop(_ scheme: String, from text: String) -> Substring? {
        text.prefix(scheme.count).lowercased() == scheme ? text.dropFirst(scheme.count) : nil
    }

    private static func split(_ authority: Substring) throws(Flaw) -> (host: String, port: Int?) {
        let host: Substring
        let tail: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw .host }
            host = authority[...end]
            tail = authority[authority.index(after: end)...]
            let address = host.dropFirst().dropLast()
            let isAddress = address.utf8.allSatisfy {
                isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
            }
            guard isAddress, address.contains(":") else { throw .host }
        } else {
            host = authority.prefix { $0 != ":" }
            tail = authority.dropFirst(host.count)
            guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(isHostByte) else { throw .host }
        }
        if tail.isEmpty { return (host.lowercased(), nil) }
        let digits = tail.dropFirst()
        guard tail.first == ":", digits.utf8.count <= 5, digits.utf8.allSatisfy(isDigit), let port = Int(digits),
            1...65535 ~= port
        else { throw .port }
        return (host.lowercased(), port)
    }

    /// The path without its last slash. Dot segments are refused: libraries differ in what they make of them.
    private static func checked(path: Substring) throws(Flaw) -> String {
        let segments = path.split(separator: "/", omittingEmptySubsequences: true)
        for segment in segments {
            guard segment != ".", segment != "..", segment.utf8.allSatisfy(isPathByte) else { throw .path }
        }
        return segments.map { "/" + $0 }.joined()
    }

    /// Whether a connection to `host` stays on this machine: `localhost`, 127.0.0.0/8 in its plain form, `[::1]`.
    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0).map(String.init) == String($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte | 0x20
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        isHostByte(byte) || byte == UInt8(ascii: "~")
    }
}

extension BaseURL.Flaw {
    /// For the operator.
    var text: String {
        switch self {
        case .scheme: "it has to begin with https:// (or http:// for a loopback host)"
        case .userInfo: "it must not hold a user name or a password"
        case .queryOrFragment: "it must not hold '?' or '#'"
        case .host: "its host is missing or has characters that a host name cannot have"
        case .port: "its port is not a number from 1 to 65535"
        case .path: "its path may hold letters, digits and '-._~' between slashes only"
        case .plainHTTPToRemoteHost: "http:// is for a loopback host (localhost, 127.0.0.0/8, [::1]): use https://"
        }
    }
}
