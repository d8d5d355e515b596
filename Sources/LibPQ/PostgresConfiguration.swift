import CLibpq

/// How to reach a server.
public struct PostgresConfiguration: Sendable {
    /// Any libpq connection string or URI, several hosts included. Empty: libpq's own `PG*` variables, service and
    /// password files apply.
    public var connectionString: String
    /// libpq parameters for which the connection string has the last word.
    public var defaults: [(key: String, value: String)]
    /// libpq parameters that have the last word over the connection string.
    public var overrides: [(key: String, value: String)]
    /// For connecting as a whole, all hosts and addresses included.
    public var connectTimeout: Duration
    /// For one request, unless it says otherwise. When it passes, the connection counts as lost, since the server's own
    /// `statement_timeout` should have spoken before.
    public var queryTimeout: Duration
    /// Where the last connection came about. All copies of a configuration share it.
    let lastGood = LastGoodAddress()

    public init(
        connectionString: String, defaults: [(key: String, value: String)] = [],
        overrides: [(key: String, value: String)] = [], connectTimeout: Duration = .seconds(10),
        queryTimeout: Duration = .seconds(30)
    ) {
        self.connectionString = connectionString
        self.defaults = defaults
        self.overrides = overrides
        self.connectTimeout = connectTimeout
        self.queryTimeout = queryTimeout
    }

    /// What is wrong with it, found without connecting. Never quotes the connection string: it may hold a password.
    public var flaw: PostgresError? {
        do throws(PostgresError) {
            _ = try HostList(of: self)
            return nil
        } catch {
            return error
        }
    }

    /// Whether it can be read at all.
    var flawOfForm: PostgresError? {
        let isKeyValue = connectionString.contains("=")
        let isURI = connectionString.hasPrefix("postgres://") || connectionString.hasPrefix("postgresql://")
        guard isKeyValue || isURI else { return nil }
        var text: UnsafeMutablePointer<CChar>?
        let options = PQconninfoParse(connectionString, &text)
        defer {
            PQconninfoFree(options)
            PQfreemem(text)
        }
        guard options == nil else { return nil }
        let form = isURI ? "postgresql://user@host:5432/database?option=value" : "host=… port=5432 dbname=… user=…"
        return PostgresError(
            .misuse,
            "the connection string cannot be read; its form is \(form), special characters "
                + (isURI ? "written as %XX" : "in single quotes"))
    }

    /// As libpq wants them: two arrays of C strings, ended by a null.
    func withParameters<Value>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> Value
    ) -> Value {
        let parameters = defaults + [(key: "dbname", value: connectionString)] + overrides
        let strings = parameters.map { (Array($0.key.utf8CString), Array($0.value.utf8CString)) }
        return withPointers(to: strings.map(\.0)) { keys in
            withPointers(to: strings.map(\.1)) { values in body(keys, values) }
        }
    }
}

/// Calls `body` with pointers to `strings` and a null behind them.
func withPointers<Value>(
    to strings: [[CChar]], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
) -> Value {
    let flat = strings.flatMap { $0 }
    return flat.withUnsafeBufferPointer { bytes in
        var pointers: [UnsafePointer<CChar>?] = []
        var offset = 0
        for string in strings {
            pointers.append(bytes.baseAddress! + offset)
            offset += string.count
        }
        pointers.append(nil)
        return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
    }
}
