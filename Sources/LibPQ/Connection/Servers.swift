import CLibpq

/// Several servers, tried one after another, each with its own share of the time.
///
/// libpq goes through a list of hosts by itself, but in its non-blocking form it has no deadline for each: one host that
/// swallows packets would use up the time of all.
struct Servers {
    /// One configuration for each server, in the order in which they are named.
    let configurations: [PostgresConfiguration]
    /// `connect_timeout` as the user set it: for each server. Source: libpq's documentation; less than 2 s count as 2.
    private let userTimeout: Duration?
    private let connectTimeout: Duration

    init(of configuration: PostgresConfiguration) {
        let own = Self.options(of: configuration.connectionString) ?? [:]
        let inherited = Self.optionsOfEnvironment()
        func list(_ key: String) -> [String] {
            (own[key] ?? inherited[key])
                .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
        }
        let addresses = own["host"] != nil && own["hostaddr"] == nil ? [] : list("hostaddr")
        let hosts = own["hostaddr"] != nil && own["host"] == nil ? [] : list("host")
        let ports = list("port")
        let count = max(hosts.count, addresses.count)
        // What a service file names only libpq knows.
        let isAList = count > 1 && own["service"] == nil
        configurations =
            isAList
            ? (0..<count).map { index in
                var one = configuration
                if index < hosts.count { one.overrides.append(("host", hosts[index])) }
                if index < addresses.count { one.overrides.append(("hostaddr", addresses[index])) }
                if let port = index < ports.count ? ports[index] : ports.first { one.overrides.append(("port", port)) }
                return one
            } : [configuration]
        let seconds = (own["connect_timeout"] ?? inherited["connect_timeout"]).flatMap { Int64($0) } ?? 0
        userTimeout = seconds > 0 && seconds < 1_000_000 ? .seconds(max(2, seconds)) : nil
        connectTimeout = configuration.connectTimeout
    }

    /// How long the server with this index may take, so that those after it get their share.
    func limit(of index: Int, elapsed: Duration) -> Duration {
        let share = max(.milliseconds(1), (connectTimeout - elapsed) / (configurations.count - index))
        return min(share, userTimeout ?? share)
    }

    /// Of several failures the one to tell: where any may pass by itself, that is what counts.
    static func worst(of errors: [PostgresError]) -> PostgresError {
        guard var told = errors.first(where: { $0.sqlState == nil }) ?? errors.last else {
            return PostgresError(.connectFailed, "no server was named")
        }
        if errors.count > 1 { told.message = errors.map(\.message).joined(separator: "; ") }
        return told
    }

    /// `nil` where it is no list of parameters: then it is the name of a database.
    private static func options(of connectionString: String) -> [String: String]? {
        let options = PQconninfoParse(connectionString, nil)
        defer { PQconninfoFree(options) }
        return options.map(values)
    }

    /// The `PG*` variables.
    private static func optionsOfEnvironment() -> [String: String] {
        let options = PQconndefaults()
        defer { PQconninfoFree(options) }
        return options.map(values) ?? [:]
    }

    /// The array ends with a keyword that is null.
    private static func values(of options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return values
    }
}
