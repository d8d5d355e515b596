import CLibpq

/// One row.
public struct PostgresRow: Sendable {
    let rows: PostgresRows
    let position: Int

    /// The value of a column, checked: a NULL, another type or an overflow is an error and never traps. For a column that
    /// may be NULL, ask for an `Optional`.
    public func decode<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let index = rows.columns.firstIndex(where: { $0.name == column }) else {
            throw PostgresError(.decoding, "there is no column \(column)")
        }
        let bytes = rows.value(row: position, column: index)
        guard let value = Value(postgres: bytes, type: rows.columns[index].type.rawValue) else {
            let found = bytes == nil ? "NULL" : "of the type with OID \(rows.columns[index].type.rawValue)"
            throw PostgresError(.decoding, "column \(column) is \(found), and not a \(Value.self)")
        }
        return value
    }
}
