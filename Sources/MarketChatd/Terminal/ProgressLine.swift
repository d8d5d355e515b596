import Glibc

/// How far a long work is: a line on a terminal that is written over and over, and nothing in a pipe.
final class ProgressLine {
    private static let pause = Duration.milliseconds(100)
    private static let barWidth = 24

    private let width: Int?
    private let noun: String
    private var lastShown: ContinuousClock.Instant?
    private var isShown = false

    /// On standard error, so that the answer can be piped.
    ///
    /// - Parameter noun: what is counted, such as `lines`.
    init(_ noun: String, environment: [String: String]) {
        self.noun = noun
        width =
            isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
            ? CommandOutput.terminalWidth(of: STDERR_FILENO, environment) : nil
    }

    /// - Parameters:
    ///   - part: 0 to 1; `nil`: not known.
    ///   - count: so many so far.
    func show(part: Double?, count: Int) {
        guard let width else { return }
        if let lastShown, .now - lastShown < Self.pause { return }
        lastShown = .now
        isShown = true
        let text = TextTable.cut(Self.text(part: part, count: count, noun: noun), to: width - 1)
        LineWriter.standardError.write("\r\u{1B}[K" + text)
    }

    static func text(part: Double?, count: Int, noun: String) -> String {
        guard let part else { return "\(count) \(noun)" }
        let share = min(max(part, 0), 1)
        let filled = Int(share * Double(barWidth))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: barWidth - filled)
        return "\(bar) \(Int(share * 100))%  \(count) \(noun)"
    }

    /// The line is cleared away.
    func end() {
        if isShown { LineWriter.standardError.write("\r\u{1B}[K") }
        isShown = false
    }
}
