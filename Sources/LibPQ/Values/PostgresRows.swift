import CLibpq

/// What a statement returned, copied out of libpq once.
public struct PostgresRows: Sendable, RandomAccessCollection {
    struct Column: Sendable {
        var name: String
        var type: TypeID
    }

    let columns: [Column]
    /// All values behind each other.
    private let bytes: [UInt8]
    /// For each value, row by row, where it ends in `bytes`; negative for NULL: the end of the one before, as −1 − end.
    private let ends: [Int]
    /// Rows that an INSERT, UPDATE or DELETE touched, or that a SELECT returned.
    public let affectedRows: Int

    public var startIndex: Int { 0 }
    public var endIndex: Int { columns.isEmpty ? 0 : ends.count / columns.count }
    public subscript(position: Int) -> PostgresRow { PostgresRow(rows: self, position: position) }

    init(_ result: borrowing ResultHandle) {
        let pointer = result.pointer
        let width = PQnfields(pointer)
        columns = (0..<width).map { column in
            Column(
                name: PQfname(pointer, column).map { String(cString: $0) } ?? "",
                type: TypeID(rawValue: PQftype(pointer, column)))
        }
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for row in 0..<PQntuples(pointer) {
            for column in 0..<width {
                if PQgetisnull(pointer, row, column) == 0, let value = PQgetvalue(pointer, row, column) {
                    let length = Int(PQgetlength(pointer, row, column))
                    bytes.append(contentsOf: UnsafeRawBufferPointer(start: value, count: length))
                    ends.append(bytes.count)
                } else {
                    ends.append(-1 - bytes.count)
                }
            }
        }
        self.bytes = bytes
        self.ends = ends
        affectedRows = Int(String(cString: PQcmdTuples(pointer))) ?? 0
    }

    /// `nil` is NULL.
    func value(row: Int, column: Int) -> ArraySlice<UInt8>? {
        let index = row * columns.count + column
        guard ends[index] >= 0 else { return nil }
        let start = index == 0 ? 0 : ends[index - 1]
        return bytes[(start < 0 ? -1 - start : start)..<ends[index]]
    }
}

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

/// A type that values of columns can be read as.
public protocol PostgresDecodable {
    /// - Parameters:
    ///   - postgres: the value in PostgreSQL's binary format; `nil` is NULL.
    ///   - type: its number in `pg_type`.
    /// - Returns: `nil` where it cannot be read.
    init?(postgres: ArraySlice<UInt8>?, type: UInt32)
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public init?(postgres: ArraySlice<UInt8>?, type: UInt32) {
        guard let postgres else {
            self = .none
            return
        }
        guard let value = Wrapped(postgres: postgres, type: type) else { return nil }
        self = value
    }
}

extension PostgresDecodable where Self: FixedWidthInteger {
    /// From any of the server's integers that fits; a `timestamptz` is microseconds since 2000-01-01 UTC.
    public init?(postgres: ArraySlice<UInt8>?, type: UInt32) {
        guard let postgres else { return nil }
        let wide: Int64? =
            switch TypeID(rawValue: type) {
            case .int2: Int16(bigEndianBytes: postgres).map(Int64.init)
            case .int4: Int32(bigEndianBytes: postgres).map(Int64.init)
            case .int8, .timestamptz: Int64(bigEndianBytes: postgres)
            case .oid: UInt32(bigEndianBytes: postgres).map(Int64.init)
            default: nil
            }
        guard let wide, let value = Self(exactly: wide) else { return nil }
        self = value
    }
}

extension Int16: PostgresDecodable {}
extension Int32: PostgresDecodable {}
extension Int64: PostgresDecodable {}
extension Int: PostgresDecodable {}

extension Bool: PostgresDecodable {
    public init?(postgres: ArraySlice<UInt8>?, type: UInt32) {
        guard let postgres, TypeID(rawValue: type) == .bool, postgres.count == 1 else { return nil }
        self = postgres.first != 0
    }
}

extension String: PostgresDecodable {
    public init?(postgres: ArraySlice<UInt8>?, type: UInt32) {
        guard let postgres, TypeID.texts.contains(TypeID(rawValue: type)) else { return nil }
        self = String(decoding: postgres, as: UTF8.self)
    }
}
