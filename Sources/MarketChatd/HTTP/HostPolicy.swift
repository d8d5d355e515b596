import Glibc

/// Which names a request may call us by. A page of a stranger's whose name suddenly means 127.0.0.1 (DNS rebinding) is
/// kept from reading what is here: its browser still sends the stranger's name.
///
/// Allowed are loopback names, addresses written as numbers, which no DNS answers for, the host that CHATD_HTTP_LISTEN
/// names, and this machine's own name.
struct HostPolicy: Sendable {
    private let names: Set<String>

    /// - Parameters:
    ///   - configured: the host of CHATD_HTTP_LISTEN, without brackets.
    ///   - machine: this machine's name; of a name with dots, the first part is allowed as well.
    init(configured: String, machine: String) {
        let machine = Self.normal(machine)
        let short = machine.prefix { $0 != "." }
        names = Set(
            [
                "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", Self.normal(configured), machine,
                String(short),
            ]
            .filter { !$0.isEmpty })
    }

    /// - Parameter host: the field `Host`; `nil` or empty where there is none, as in HTTP/1.0: no browser leaves it out.
    func allows(_ host: String?) -> Bool {
        guard let host, !host.isEmpty else { return true }
        guard let name = Self.withoutPort(host) else { return false }
        return names.contains(name) || Self.isAddress(name)
    }

    /// Lower case, and without the dot at its end.
    private static func normal(_ name: some StringProtocol) -> String {
        let lower = name.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }

    /// `nil` where it is not a host with or without a port.
    private static func withoutPort(_ host: String) -> String? {
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return nil }
            let inside = host[host.index(after: host.startIndex)..<end]
            guard inside.contains(":"), isPort(host[host.index(after: end)...]) else { return nil }
            // A zone, as in fe80::1%eth0, is of this machine alone.
            return normal(inside.prefix { $0 != "%" })
        }
        let name = host.prefix { $0 != ":" }
        guard !name.isEmpty, isPort(host[name.endIndex...]) else { return nil }
        return normal(name)
    }

    /// Nothing, or a colon and digits.
    private static func isPort(_ text: Substring) -> Bool {
        guard let colon = text.first else { return true }
        return colon == ":" && text.utf8.count <= 6
            && text.utf8.dropFirst().allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }

    private static func isAddress(_ text: String) -> Bool {
        let family = text.contains(":") ? AF_INET6 : AF_INET
        return withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { inet_pton(family, text, $0.baseAddress) }
            == 1
    }
}
