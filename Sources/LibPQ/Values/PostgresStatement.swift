/// One SQL statement and its parameters.
public struct PostgresStatement: Sendable, Equatable {
    /// With `$1`, `$2`… for the parameters.
    public var sql: String
    /// For `$1`, `$2` and so on.
    public var parameters: [PostgresValue]
    /// Whether it is parsed once for each connection and kept there, by its text: for what is sent again and again.
    public var isPrepared: Bool

    public init(_ sql: String, _ parameters: [PostgresValue] = [], isPrepared: Bool = false) {
        self.sql = sql
        self.parameters = parameters
        self.isPrepared = isPrepared
    }
}
