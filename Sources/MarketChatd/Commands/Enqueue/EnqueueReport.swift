import ChatOutbox

/// What became of what was to be enqueued.
struct EnqueueReport: Sendable, Equatable {
    struct Mistake: Sendable, Equatable {
        /// Of the file; the header is line 1.
        var line: Int
        /// Continues a sentence that begins with the line.
        var text: String
    }

    /// Told in full on standard error; the rest is counted.
    static let toldMistakes = 20
    /// Kept for `--json`.
    static let keptMistakes = 1000

    /// Lines that say something, the header apart.
    var lines = 0
    var inserted = 0
    /// They were in the outbox already, or earlier in the file.
    var existing = 0
    var bad = 0
    private(set) var mistakes: [Mistake] = []

    mutating func add(_ mistake: Mistake) {
        bad += 1
        if mistakes.count < Self.keptMistakes { mistakes.append(mistake) }
    }

    var text: String {
        var parts = ["\(inserted) new", "\(existing) there already"]
        if bad > 0 { parts.append(counted(bad, "bad line")) }
        return parts.joined(separator: ", ")
    }

    var json: JSONText {
        .object([
            ("lines", .integer(Int64(lines))), ("new", .integer(Int64(inserted))),
            ("existing", .integer(Int64(existing))), ("bad", .integer(Int64(bad))),
            (
                "mistakes",
                .array(
                    mistakes.map { .object([("line", .integer(Int64($0.line))), ("reason", .string($0.text))]) })
            ),
        ])
    }
}
