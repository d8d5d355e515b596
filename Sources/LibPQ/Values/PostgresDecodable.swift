import CLibpq

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
