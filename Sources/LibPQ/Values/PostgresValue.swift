/// A parameter of a statement: its type, and its bytes in PostgreSQL's binary format.
public struct PostgresValue: Sendable, Equatable {
    /// The type's number in `pg_type`.
    var type: TypeID
    /// `nil` is NULL.
    var bytes: [UInt8]?

    /// `smallint`.
    public static func int16(_ value: Int16?) -> PostgresValue { integer(.int2, value) }
    /// `integer`.
    public static func int32(_ value: Int32?) -> PostgresValue { integer(.int4, value) }
    /// `bigint`.
    public static func int64(_ value: Int64?) -> PostgresValue { integer(.int8, value) }
    /// `boolean`.
    public static func bool(_ value: Bool?) -> PostgresValue {
        PostgresValue(type: .bool, bytes: value.map { [$0 ? 1 : 0] })
    }
    /// A `timestamptz`, in microseconds since 2000-01-01 UTC; the smallest and the largest number are −∞ and ∞.
    public static func timestamp(microsecondsSince2000 value: Int64?) -> PostgresValue {
        integer(.timestamptz, value)
    }
    /// UTF-8. The server refuses a NUL character (SQLSTATE 22021).
    public static func text(_ value: String?) -> PostgresValue {
        PostgresValue(type: .text, bytes: value.map { Array($0.utf8) })
    }

    /// `bigint[]`, of one dimension.
    public static func int64Array(_ values: [Int64?]) -> PostgresValue {
        array(.int8Array, of: .int8, values.map { $0?.bigEndianBytes })
    }
    /// `integer[]`, of one dimension.
    public static func int32Array(_ values: [Int32?]) -> PostgresValue {
        array(.int4Array, of: .int4, values.map { $0?.bigEndianBytes })
    }
    /// `boolean[]`, of one dimension.
    public static func boolArray(_ values: [Bool?]) -> PostgresValue {
        array(.boolArray, of: .bool, values.map { $0.map { [$0 ? 1 : 0] } })
    }
    /// `text[]`, of one dimension.
    public static func textArray(_ values: [String?]) -> PostgresValue {
        array(.textArray, of: .text, values.map { $0.map { Array($0.utf8) } })
    }

    private static func integer<Value: FixedWidthInteger>(_ type: TypeID, _ value: Value?) -> PostgresValue {
        PostgresValue(type: type, bytes: value?.bigEndianBytes)
    }

    /// `array_send`: dimensions, whether there are NULLs, the element's type, then length and lower bound, then each
    /// element with its length, −1 for NULL.
    private static func array(_ type: TypeID, of element: TypeID, _ elements: [[UInt8]?]) -> PostgresValue {
        var bytes = Int32(elements.isEmpty ? 0 : 1).bigEndianBytes
        bytes += Int32(elements.contains { $0 == nil } ? 1 : 0).bigEndianBytes
        bytes += element.rawValue.bigEndianBytes
        if !elements.isEmpty {
            bytes += Int32(elements.count).bigEndianBytes
            bytes += Int32(1).bigEndianBytes
        }
        for element in elements {
            bytes += Int32(element?.count ?? -1).bigEndianBytes
            bytes += element ?? []
        }
        return PostgresValue(type: type, bytes: bytes)
    }
}

/// A type's number in `pg_type`: fixed for the built-in ones.
struct TypeID: Sendable, Hashable, RawRepresentable {
    var rawValue: UInt32

    static let bool = TypeID(rawValue: 16)
    static let int8 = TypeID(rawValue: 20)
    static let int2 = TypeID(rawValue: 21)
    static let int4 = TypeID(rawValue: 23)
    static let text = TypeID(rawValue: 25)
    static let oid = TypeID(rawValue: 26)
    static let json = TypeID(rawValue: 114)
    static let timestamptz = TypeID(rawValue: 1184)
    static let boolArray = TypeID(rawValue: 1000)
    static let int4Array = TypeID(rawValue: 1007)
    static let textArray = TypeID(rawValue: 1009)
    static let int8Array = TypeID(rawValue: 1016)

    /// Those whose binary format is their text: text, name, "char", unknown, json, bpchar, varchar.
    static let texts: Set<TypeID> = [.text, .json] + [18, 19, 705, 1042, 1043].map { TypeID(rawValue: $0) }
}

extension Set {
    fileprivate static func + (left: Set, right: [Element]) -> Set { left.union(right) }
}

extension FixedWidthInteger {
    var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }

    /// From exactly as many bytes as the type has.
    init?(bigEndianBytes bytes: ArraySlice<UInt8>) {
        guard bytes.count == Self.bitWidth / 8 else { return nil }
        self = bytes.reduce(0) { $0 << 8 | Self(truncatingIfNeeded: $1) }
    }
}
