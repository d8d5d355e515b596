import CLibpq

/// The hosts that a configuration names, read as libpq reads them: connection string, service file and `PG*` variables.
///
/// libpq goes through a list by itself, but in its non-blocking form it has no deadline for each address: one that swallows
/// packets would use up the time of all. So each is tried by a call of its own, with its own share of the time.
struct HostList: Sendable, Equatable {
    /// One entry of the list. Source: libpq's documentation, "Specifying Multiple Hosts".
    struct Host: Sendable, Hashable {
        /// A host name, an address, or where a Unix socket is. Empty: libpq's own default.
        var name: String
        /// `hostaddr`: where it is, without a look-up. May be empty.
        var address: String
        var port: String

        /// Whether it stands for addresses that have to be looked up.
        var isLookedUp: Bool { address.isEmpty && !name.isEmpty && !isSocket }

        fileprivate var isSocket: Bool { name.hasPrefix("/") || name.hasPrefix("@") }
    }

    /// One host in one round.
    struct Attempt: Sendable, Equatable {
        var host: Host
        /// For ``rounds``.
        var sessionAttributes: String?
    }

    /// In the order in which they are named; never empty.
    let hosts: [Host]
    /// `connect_timeout` as the user set it: for each address. Source: libpq's documentation; less than 2 s count as 2.
    let addressTimeout: Duration?
    /// What `target_session_attrs` is to be in each round through the list; `nil`: as it is.
    ///
    /// A primary is good enough for `prefer-standby` only when all have been asked, which one call for each cannot know.
    let rounds: [String?]
    /// For messages: `role@host/database`, with as many hosts as are named. `local` stands for a Unix socket.
    let place: String
    /// Names that ``place`` leaves out, since they may be a part of a mistyped password: no message is to have them.
    let hidden: [String]
    /// Which of `host` and `hostaddr` are set, so that an entry without them has to say so.
    private let isNamed, isAddressed: Bool

    /// - Throws: ``PostgresError`` of the kind `misuse`, without a word of the configuration: a mistyped URL has parts of its
    ///   password in strange places.
    init(of configuration: PostgresConfiguration) throws(PostgresError) {
        if let flaw = configuration.flawOfForm { throw flaw }
        let options = try Self.options(of: configuration)
        func list(_ key: String) -> [String] {
            guard let text = options[key]?.value, !text.isEmpty else { return [] }
            return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"))
        let count = max(1, addresses.isEmpty ? names.count : addresses.count)
        guard names.isEmpty || names.count == count else {
            throw PostgresError(.misuse, "\(names.count) host names, but \(count) addresses: give as many of both")
        }
        guard ports.count <= 1 || ports.count == count else {
            throw PostgresError(
                .misuse, "\(count) hosts, but \(ports.count) ports: give one for each, or one for all")
        }
        hosts = (0..<count).map { index in
            let port = ports.count == 1 ? ports[0] : ports.isEmpty ? "" : ports[index]
            return Host(
                name: names.isEmpty ? "" : names[index], address: addresses.isEmpty ? "" : addresses[index],
                port: port.isEmpty ? options["port"]?.compiled ?? "" : port)
        }
        for host in hosts {
            guard host.port.isEmpty || Int(host.port.trimmed).map((1...65535).contains) == true else {
                throw PostgresError(
                    .misuse, "a port is no number from 1 to 65535; special characters of a password are written as %XX")
            }
            guard host.name.hasPrefix("/") || !host.name.dropFirst().contains("@") else {
                throw PostgresError(.misuse, "a host name has an @ in it; in a password it is written as %40")
            }
        }
        let role = options["user"]?.value ?? ""
        let database = options["dbname"]?.value ?? role
        place =
            "\(Self.shownName(role))@\(hosts.map(\.shownName).joined(separator: ","))/\(Self.shownName(database))"
        hidden = [role, database].filter { !$0.isEmpty && !Self.isName($0) } + hosts.compactMap(\.hidden)
        (isNamed, isAddressed) = (!names.isEmpty, !addresses.isEmpty)
        let seconds = options["connect_timeout"]?.value.flatMap { Int64($0.trimmed) } ?? 0
        addressTimeout = seconds > 0 && seconds < 1_000_000 ? .seconds(max(2, seconds)) : nil
        rounds = options["target_session_attrs"]?.value == "prefer-standby" ? ["standby", "any"] : [nil]
    }

    /// All that is to be tried, the host that took the last connection first in each round.
    func attempts(lastGood: Host?) -> [Attempt] {
        let ordered = hosts.movedToFront(lastGood)
        return rounds.flatMap { round in ordered.map { Attempt(host: $0, sessionAttributes: round) } }
    }

    /// The configuration for one host alone.
    ///
    /// - Parameter address: which one of a host that is looked up. The name stays beside it, for certificates and password
    ///   files.
    func configuration(
        _ configuration: PostgresConfiguration, for attempt: Attempt, at address: String?
    ) -> PostgresConfiguration {
        let host = attempt.host
        let address = address ?? host.address
        var values: [(key: String, value: String)] = []
        if isNamed { values.append(("host", host.name)) }
        if isAddressed || !address.isEmpty { values.append(("hostaddr", address)) }
        if !host.port.isEmpty { values.append(("port", host.port)) }
        // libpq ignores an empty value, but not a list of two empty ones: then the host is named twice.
        let times = values.contains { $0.value.isEmpty } ? 2 : 1
        var one = configuration
        one.overrides += values.map { ($0.key, Array(repeating: $0.value, count: times).joined(separator: ",")) }
        if let sessionAttributes = attempt.sessionAttributes {
            one.overrides.append(("target_session_attrs", sessionAttributes))
        }
        return one
    }
}

extension HostList.Host {
    fileprivate var shownName: String {
        if isSocket || name.isEmpty && address.isEmpty { return "local" }
        let shown = name.isEmpty ? address : name
        return HostList.isHostName(shown) ? shown : "…"
    }

    fileprivate var hidden: String? {
        let isShown = isSocket ? HostList.isPath(name) : name.isEmpty || HostList.isHostName(name)
        return isShown ? nil : name
    }

    /// For people.
    func shown(at address: String?) -> String {
        let address = address ?? self.address
        let isNamed = !name.isEmpty && name != address
        let place =
            switch (isNamed, address.isEmpty) {
            case (true, true): HostList.shown(name)
            case (true, false): "\(HostList.shown(name)) (\(address))"
            case (false, true): "the default host"
            case (false, false): "host \(address)"
            }
        return "\(place) port \(port)"
    }
}

extension HostList {
    /// A name for people. What cannot be one may be a part of a mistyped password.
    static func shown(_ name: String) -> String {
        isHostName(name) || name.hasPrefix("/") && isPath(name) ? "host \(name)" : "a host whose name is none"
    }

    /// A role's or a database's name for people. What is none may be a part of a mistyped password.
    fileprivate static func shownName(_ name: String) -> String { isName(name) ? name : "…" }

    /// Of a role or a database; the server cuts it after 63 bytes.
    fileprivate static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 63 && name.allSatisfy { $0.isLetter || $0.isNumber || "-_.$".contains($0) }
    }

    /// Or an address; only one of IPv6 has colons, and a zone behind a %.
    fileprivate static func isHostName(_ name: String) -> Bool {
        func isWord(_ text: Substring) -> Bool {
            !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || "-_.".contains($0) }
        }
        guard name.contains(":") else { return isWord(name[...]) }
        let parts = name.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        return parts[0].allSatisfy { $0.isASCII && $0.isHexDigit || ":.".contains($0) }
            && parts.dropFirst().allSatisfy(isWord)
    }

    fileprivate static func isPath(_ name: String) -> Bool {
        name.allSatisfy { $0.isLetter || $0.isNumber || "/@-_.+ ".contains($0) }
    }

    private struct Option {
        var value: String?
        /// libpq's own default, where it was compiled in.
        var compiled: String?
    }

    /// What libpq makes of all sources together. Only a connection tells that, so one is begun with a value that cannot be,
    /// on which libpq gives up before it looks for a host.
    private static func options(of configuration: PostgresConfiguration) throws(PostgresError) -> [String: Option] {
        var impossible = configuration
        impossible.overrides.append(("channel_binding", "none: the parameters are only read"))
        guard let connection = impossible.withParameters({ PQconnectStartParams($0, $1, 1) }) else { return [:] }
        let handle = ConnectionHandle(pointer: connection)
        let complaint = String(cString: PQerrorMessage(handle.pointer))
        guard !complaint.contains(" of service ") && !complaint.contains("service file") else {
            throw PostgresError(
                .misuse,
                "the service that it names is not to be found: it has to stand in PGSERVICEFILE, in ~/.pg_service.conf,"
                    + " or in pg_service.conf of the folder that pg_config --sysconfdir tells, for the user who runs this"
            )
        }
        let options = PQconninfo(handle.pointer)
        defer { PQconninfoFree(options) }
        var found: [String: Option] = [:]
        // The array ends with a keyword that is null.
        var option = options
        while let entry = option?.pointee, let keyword = entry.keyword {
            found[String(cString: keyword)] = Option(
                value: entry.val.map { String(cString: $0) }, compiled: entry.compiled.map { String(cString: $0) })
            option = option.map { $0 + 1 }
        }
        return found
    }
}

extension Array where Element: Equatable {
    /// With `element` in the first place, if it is there at all.
    func movedToFront(_ element: Element?) -> [Element] {
        guard let element, contains(element) else { return self }
        return [element] + filter { $0 != element }
    }
}
