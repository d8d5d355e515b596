/// One way to break what is decided: a text of one file that is replaced by another.
struct Mutant {
    var name: String
    /// Below `Sources/ChatSync`.
    var file: String
    var original: String
    var replacement: String

    init(_ name: String, _ file: String, _ original: String, _ replacement: String) {
        self.name = name
        self.file = file
        self.original = original
        self.replacement = replacement
    }

    /// - Returns: the file, broken; `nil` where the text is not in it exactly once.
    func applied(to text: String) -> String? {
        let text = Array(text.utf8)
        let pattern = Array(original.utf8)
        let places = text.indices.filter { text[$0] == pattern[0] && text[$0...].starts(with: pattern) }
        guard places.count == 1 else { return nil }
        let end = places[0] + pattern.count
        return String(decoding: text[..<places[0]] + Array(replacement.utf8) + text[end...], as: UTF8.self)
    }

    static let all = quota + circuit + conditions + verdicts + tables + views + choosing + answers + writes + events
}
