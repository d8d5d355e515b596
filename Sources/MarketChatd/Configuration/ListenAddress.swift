import Glibc

/// Where the HTTP listener listens: `127.0.0.1:9464`, `[::1]:9464`, `localhost:9464`.
struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// An address or a name, without brackets.
    var host: String
    /// 0 lets the system choose one.
    var port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `nil` where the text is not a host and a port.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let portText = text[text.index(after: colon)...]
        guard !portText.isEmpty, portText.utf8.count <= 5,
            portText.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let port = UInt16(portText)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard Self.isAddress(String(host), family: AF_INET6) else { return nil }
        } else {
            guard Self.isHostName(host) else { return nil }
            // What looks like an IPv4 address has to be one: 127.0.0.300 is not a host's name.
            let looksNumeric = host.utf8.allSatisfy {
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: ".")
            }
            guard !looksNumeric || Self.isAddress(String(host), family: AF_INET) else { return nil }
        }
        self.init(host: String(host), port: Int(port))
    }

    var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Whether only programs of this machine reach it.
    var isLoopback: Bool {
        host == "localhost" || host == "::1" || (host.hasPrefix("127.") && Self.isAddress(host, family: AF_INET))
    }

    /// Whether no look-up is needed.
    var isNumeric: Bool {
        Self.isAddress(host, family: AF_INET) || Self.isAddress(host, family: AF_INET6)
    }

    private static func isHostName(_ text: Substring) -> Bool {
        guard 1...253 ~= text.utf8.count, text.first != "-", text.first != "." else { return false }
        return text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    private static func isAddress(_ text: String, family: Int32) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { inet_pton(family, text, $0.baseAddress) } == 1
    }
}
