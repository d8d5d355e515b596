/// A JSON document, as far as answers of the Market need it.
///
/// Numbers keep their text: an int64 stays exact beyond 2^53, and nothing is rounded that was not asked to be.
enum JSONValue: Equatable {
    case null
    case bool(Bool)
    /// As written.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    struct Member: Equatable {
        var key: String
        var value: JSONValue
    }

    /// The member of an object. A key that occurs twice with different values counts as absent: whichever were taken,
    /// it could be the wrong one.
    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        var found: JSONValue?
        for member in members where member.key == key {
            if let found, found != member.value { return nil }
            found = member.value
        }
        return found
    }

    var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The value of a number that is written as an integer and fits. `12.0` and `1e3` do not count: whoever writes an
    /// identifier so has sent it through a floating-point number, and its last digits may be gone.
    var int64: Int64? {
        if case .number(let text) = self { Int64(text) } else { nil }
    }

    /// A string, or a number as it was written.
    var scalarText: String? {
        switch self {
        case .string(let text), .number(let text): text
        case .null, .bool, .array, .object: nil
        }
    }
}
