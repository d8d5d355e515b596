import Glibc

/// Where a command writes its answer: a terminal, with colour and tables that fit it, or a pipe, with plain lines.
struct CommandOutput: Sendable {
    /// Columns of the terminal; `nil`: a pipe or a file, in which nothing is cut.
    var width: Int?
    var hasColour: Bool
    /// What writes a text as it is.
    var write: @Sendable (String) -> Void

    /// Wider tables are hard to follow with the eye.
    private static let mostColumns = 200

    /// Standard output.
    static func standard(environment: [String: String]) -> CommandOutput {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        // https://no-color.org: any value but an empty one.
        let isPlain = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        return CommandOutput(
            width: isTerminal ? terminalWidth(of: STDOUT_FILENO, environment) : nil,
            hasColour: isTerminal && !isPlain && environment["TERM"] != "dumb",
            write: { StandardOutput.shared.write($0) })
    }

    static func terminalWidth(of descriptor: CInt, _ environment: [String: String]) -> Int {
        var size = winsize()
        let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        let columns = isKnown ? Int(size.ws_col) : environment["COLUMNS"].flatMap { Int($0) } ?? 80
        return min(max(columns, 40), mostColumns)
    }

    var isTerminal: Bool { width != nil }

    func line(_ text: String = "") { write(text + "\n") }

    func json(_ document: JSONText) { line(document.text) }

    func styled(_ text: String, _ style: TextStyle) -> String {
        hasColour ? "\u{1B}[\(style.code)m\(text)\u{1B}[0m" : text
    }

    func table(_ table: TextTable) {
        for text in table.lines(width: width, styled: { styled($0, $1) }) { line(text) }
    }
}
