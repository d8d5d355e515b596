import Logging

/// One log message with its values, ready to be written in any format.
struct LogRecord: Sendable, Equatable {
    var level: Logger.Level
    var message: String
    /// Sorted by key; nested values are flattened to dotted keys.
    var fields: [Field]

    struct Field: Sendable, Equatable {
        var key: String
        var value: String
    }

    /// The longest value that is written, in characters. A Market's answer or a database's error can be anything.
    static let longestValue = 2000

    init(level: Logger.Level, message: String, metadata: Logger.Metadata = [:]) {
        self.level = level
        self.message = message
        fields = []
        for (key, value) in metadata { add(value, at: key) }
        fields.sort { ($0.key, $0.value) < ($1.key, $1.value) }
    }

    private mutating func add(_ value: Logger.MetadataValue, at key: String) {
        switch value {
        case .string(let text): fields.append(Field(key: key, value: text))
        case .stringConvertible(let convertible): fields.append(Field(key: key, value: convertible.description))
        case .array(let values):
            fields.append(Field(key: key, value: values.map(\.description).joined(separator: ", ")))
        case .dictionary(let values):
            for (inner, value) in values { add(value, at: "\(key).\(inner)") }
        }
    }

    /// The message and its values in one line: `Chat created chat.id=34 outbox.id=12`.
    var line: String {
        fields.reduce(into: printable(message, limit: Self.longestValue)) { line, field in
            line += " \(printable(field.key))=\(Self.quotedIfNeeded(field.value))"
        }
    }

    /// A value as it stands in a line: in quotation marks where it would not be one word otherwise.
    static func quotedIfNeeded(_ value: String) -> String {
        let isWord =
            !value.isEmpty
            && value.unicodeScalars.allSatisfy {
                $0 != " " && $0 != "\"" && $0 != "=" && $0 != "\\" && escape(of: $0) == nil
            }
        if isWord { return printable(value, limit: longestValue) }
        var quoted = "\""
        for (index, scalar) in value.unicodeScalars.enumerated() {
            if index == longestValue {
                quoted += "…"
                break
            }
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            default:
                if let escape = escape(of: scalar) { quoted += escape } else { quoted.unicodeScalars.append(scalar) }
            }
        }
        return quoted + "\""
    }
}

extension Logger.Level {
    /// The level as syslog and the journal count it: 7 is the least, 2 the worst that is used.
    var syslogPriority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
