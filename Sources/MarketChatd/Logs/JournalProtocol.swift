/// The journal's native protocol: a datagram of fields, `NAME=value` and a line end, or for a value of several lines the
/// name, its length in eight little-endian bytes, and the value. Source: systemd's "Native Journal Protocol" document.
enum JournalProtocol {
    /// The longest datagram. Much less than a socket takes by default (some 200 KB), much more than a message needs.
    static let longestDatagram = 48 * 1024
    /// Of these, the text of the message takes so much at most: it repeats the fields, which are to have room beside it.
    private static let longestMessage = longestDatagram / 2
    /// The longest name of a field, by the journal's own rule.
    private static let longestName = 64

    static func datagram(for record: LogRecord, identifier: String) -> [UInt8] {
        var bytes: [UInt8] = []
        // What is read by people and by `journalctl` first, so that it is there whatever is cut off below.
        // A character that is cut in two becomes U+FFFD.
        append("MESSAGE", String(decoding: record.line.utf8.prefix(longestMessage), as: UTF8.self), to: &bytes)
        append("PRIORITY", String(record.level.syslogPriority), to: &bytes)
        append("SYSLOG_IDENTIFIER", identifier, to: &bytes)
        for field in record.fields {
            let value = String(field.value.unicodeScalars.prefix(LogRecord.longestValue))
            var part: [UInt8] = []
            append(fieldName(for: field.key), value, to: &part)
            if bytes.count + part.count > longestDatagram { break }
            bytes += part
        }
        return bytes
    }

    /// `outbox.id` becomes `OUTBOX_ID`. Names that mean something to the journal are set apart.
    static func fieldName(for key: String) -> String {
        var name = ""
        for byte in key.utf8.prefix(longestName) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): name.unicodeScalars.append(Unicode.Scalar(byte - 32))
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            default: name += "_"
            }
        }
        // The journal drops fields that begin with _ or a digit.
        let first = name.utf8.first ?? UInt8(ascii: "_")
        let isPlain = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= first && !isReserved(name)
        return isPlain ? name : String("CHATD_\(name)".prefix(longestName))
    }

    private static func isReserved(_ name: String) -> Bool {
        let prefixes = ["MESSAGE", "PRIORITY", "SYSLOG_", "CODE_", "OBJECT_", "COREDUMP", "JOB_"]
        let names = ["ERRNO", "INVOCATION_ID", "USER_INVOCATION_ID", "DOCUMENTATION", "TID", "UNIT", "USER_UNIT"]
        return prefixes.contains { name.hasPrefix($0) } || names.contains(name)
    }

    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes += name.utf8
        if value.utf8.contains(UInt8(ascii: "\n")) {
            bytes.append(UInt8(ascii: "\n"))
            let length = UInt64(value.utf8.count)
            for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += value.utf8
        bytes.append(UInt8(ascii: "\n"))
    }
}
