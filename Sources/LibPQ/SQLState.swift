import CLibpq

/// A five-character code, such as `23505`. Source: PostgreSQL's documentation, appendix A.
public struct SQLState: Sendable, Hashable, RawRepresentable, ExpressibleByStringLiteral {
    /// Five of `0`–`9` and `A`–`Z`.
    public var rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public init(stringLiteral value: String) {
        rawValue = value
    }

    /// The first two characters.
    public var classCode: String { String(rawValue.prefix(2)) }

    public static let lockNotAvailable: SQLState = "55P03"
    public static let deadlockDetected: SQLState = "40P01"
    public static let queryCanceled: SQLState = "57014"
    public static let insufficientPrivilege: SQLState = "42501"
    public static let undefinedTable: SQLState = "42P01"
    public static let undefinedFunction: SQLState = "42883"
    public static let undefinedColumn: SQLState = "42703"
    public static let untranslatableCharacter: SQLState = "22P05"
    public static let invalidStatementName: SQLState = "26000"
    public static let invalidSchemaName: SQLState = "3F000"
    public static let readOnlyTransaction: SQLState = "25006"
    public static let invalidPassword: SQLState = "28P01"
    public static let invalidAuthorization: SQLState = "28000"
    public static let invalidCatalogName: SQLState = "3D000"
    public static let cannotConnectNow: SQLState = "57P03"
    public static let protocolViolation: SQLState = "08P01"
    public static let featureNotSupported: SQLState = "0A000"
}
