import Glibc

/// Where people read: standard output, or standard error where the output is for a program.
struct Terminal: Sendable {
    let descriptor: CInt
    /// Whether lines may be drawn over.
    let isTerminal: Bool
    let usesColour: Bool

    init(descriptor: CInt, environment: [String: String]) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1 && environment["TERM", default: "dumb"] != "dumb"
        // https://no-color.org
        usesColour = isTerminal && environment["NO_COLOR", default: ""].isEmpty
    }

    /// How many characters fit into a line.
    var columns: Int {
        var size = winsize()
        guard isTerminal, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes all of it at once, without a buffer that an end may lose.
    ///
    /// - Throws: where nobody reads any more.
    func write(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if errno != EINTR {
                let reason = String(cString: strerror(errno))
                throw DemoFailure("cannot write what happens: \(reason); let the reader read to the end")
            }
        }
    }

    func write(_ lines: [StyledLine]) throws {
        try write(lines.map { $0.text(usesColour: usesColour) + "\n" }.joined())
    }
}

/// A line of text whose parts may have a colour.
struct StyledLine: Sendable, Equatable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    enum Style: String, Sendable {
        case plain = "0"
        case strong = "1"
        case faint = "2"
        case bad = "31"
        case good = "32"
        case attention = "33"
    }

    struct Part: Sendable, Equatable {
        var text: String
        var style: Style
    }

    private(set) var parts: [Part]

    init(_ text: String, _ style: Style = .plain) {
        parts = [Part(text: text, style: style)]
    }

    init(stringLiteral text: String) {
        self.init(text)
    }

    static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.parts += right.parts
        return sum
    }

    /// - Parameter columns: what does not fit is cut off, since a line that wraps cannot be drawn over.
    func text(usesColour: Bool, columns: Int = .max) -> String {
        var room = columns
        var text = ""
        for part in parts where room > 0 {
            let shown = String(part.text.prefix(room))
            room -= shown.count
            let isColoured = usesColour && part.style != .plain && !shown.isEmpty
            text += isColoured ? "\u{1B}[\(part.style.rawValue)m\(shown)\u{1B}[0m" : shown
        }
        return text
    }
}

extension String {
    /// Spaces on the left, up to so many characters.
    func right(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
    /// Spaces on the right, up to so many characters.
    func left(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
