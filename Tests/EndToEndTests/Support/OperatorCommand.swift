import FoundationEssentials
import TestSupport
import Testing

extension TestDatabase {
    /// Runs a person's command on this database to its end: nothing is configured but `DATABASE_URL`.
    ///
    /// - Parameters:
    ///   - input: of its standard input.
    ///   - isOnTerminal: whether it has a terminal for all three; what it writes is the output then.
    func operate(
        _ arguments: String..., user: String? = nil, input: String? = nil, isOnTerminal: Bool = false
    ) async throws -> FinishedRun {
        let directory = try ScratchDirectory()
        let source = try directory.write(input ?? "", to: "input")
        let url = user.map { connectionString(user: $0) } ?? connectionString
        var settings = DaemonSettings(arguments, variables: ["DATABASE_URL": url, "TERM": "xterm"])
        settings.wrapper =
            isOnTerminal
            ? ["sh", "-c", #"(cat "$0"; sleep 1) | script -qec "$*" /dev/null"#, source]
            : ["sh", "-c", #"exec "$@" < "$0""#, source]
        return try await finish(settings)
    }
}

/// Some members of a JSON object, as texts.
func members(_ json: String) throws -> [String: JSONMember] {
    try JSONDecoder().decode([String: JSONMember].self, from: Data(json.utf8))
}

/// A value of JSON, as far as tests look at it.
enum JSONMember: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([JSONMember])
    case object([String: JSONMember])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONMember].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONMember].self))
        }
    }
}
