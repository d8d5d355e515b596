import Glibc

/// Where people read: standard output, or standard error where the output is for a program.
struct Output: Sendable {
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
