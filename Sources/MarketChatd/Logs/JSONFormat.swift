import Logging

/// The line for collectors: one JSON object, with the values beside the message.
enum JSONFormat {
    static func line(_ record: LogRecord, at time: WallTime) -> String {
        var members: [(String, JSONText)] = [
            ("time", .string(time.rfc3339)), ("level", .string(record.level.rawValue)),
            ("message", .string(String(record.message.unicodeScalars.prefix(LogRecord.longestValue)))),
        ]
        for field in record.fields {
            // A value must not pass for the message or its level.
            let key = ["time", "level", "message"].contains(field.key) ? "metadata.\(field.key)" : field.key
            members.append((key, .string(String(field.value.unicodeScalars.prefix(LogRecord.longestValue)))))
        }
        return JSONText.object(members).text + "\n"
    }
}
