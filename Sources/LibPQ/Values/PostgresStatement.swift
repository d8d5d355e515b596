/// One SQL statement and its parameters.
public struct PostgresStatement: Sendable, Equatable {
    /// With `$1`, `$2`… for the parameters.
    public var sql: String
    public var parameters: [PostgresValue]
    /// Whether it is parsed once for each connection and kept there, by its text: for what is sent again and again.
    public var isPrepared: Bool

    public init(_ sql: String, _ parameters: [PostgresValue] = [], isPrepared: Bool = false) {
        self.sql = sql
        self.parameters = parameters
        self.isPrepared = isPrepared
    }
}

/// Which statements the connection has prepared, by their text; the one that was used longest ago makes room.
struct StatementCache: Sendable {
    private let limit: Int
    private var names: [String: String] = [:]
    private var order: [String] = []
    private var counter = 0

    init(limit: Int = 64) {
        self.limit = limit
    }

    /// The statement's name, where it is prepared.
    mutating func name(of sql: String) -> String? {
        guard let name = names[sql] else { return nil }
        order.removeAll { $0 == sql }
        order.append(sql)
        return name
    }

    /// A name for a statement that is about to be prepared, and the name of one that has to go.
    mutating func add(_ sql: String) -> (name: String, evicted: String?) {
        counter += 1
        let name = "libpq_\(counter)"
        var evicted: String?
        if order.count >= limit { evicted = names.removeValue(forKey: order.removeFirst()) }
        names[sql] = name
        order.append(sql)
        return (name, evicted)
    }

    /// The server does not know it, or not any more.
    mutating func forget(_ sql: String) {
        names[sql] = nil
        order.removeAll { $0 == sql }
    }
}
