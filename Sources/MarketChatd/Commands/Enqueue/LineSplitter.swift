/// Cuts a stream of bytes into lines, in bounded memory whatever comes.
struct LineSplitter {
    /// Far longer than any line of an enqueue file.
    static let limitBytes = 4096

    enum Line: Equatable {
        /// Without its line end.
        case text(ArraySlice<UInt8>)
        /// Longer than ``LineSplitter/limitBytes``; what it says is gone.
        case tooLong
    }

    private var rest: ArraySlice<UInt8> = []
    private var isTooLong = false

    /// - Returns: the lines that end in this chunk.
    mutating func add(_ chunk: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var remaining = chunk[...]
        while let end = remaining.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(line(remaining[..<end]))
            remaining = remaining[(end + 1)...]
        }
        keep(remaining)
        return lines
    }

    /// - Returns: the last line, where it has no line end.
    mutating func end() -> Line? { rest.isEmpty && !isTooLong ? nil : line([]) }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        if isTooLong { return }
        if rest.count + bytes.count > Self.limitBytes {
            isTooLong = true
            rest = []
        } else {
            // A copy, so that the chunk is not kept.
            rest += Array(bytes)
        }
    }

    private mutating func line(_ bytes: ArraySlice<UInt8>) -> Line {
        defer {
            rest = []
            isTooLong = false
        }
        if isTooLong || rest.count + bytes.count > Self.limitBytes { return .tooLong }
        let whole = rest.isEmpty ? bytes : rest + bytes
        return .text(whole.last == UInt8(ascii: "\r") ? whole.dropLast() : whole)
    }
}
