/// Shows progress: at a terminal it draws over what it drew before, elsewhere it writes a line a second.
struct ProgressDisplay {
    let output: Output
    private var drawnLines = 0
    private var lastLineAt: Duration?

    private static let pauseBetweenLines = Duration.seconds(1)

    init(output: Output) {
        self.output = output
    }

    /// - Parameter isLast: show it in any case.
    mutating func show(_ progress: Progress, isLast: Bool = false) throws {
        if output.isTerminal { try draw(progress) } else { try writeLine(progress, isLast: isLast) }
    }

    private mutating func draw(_ progress: Progress) throws {
        let columns = output.columns
        let lines = ProgressBoard.block(progress)
        // Up to where the block begins, each line anew, and nothing left behind it. In one piece, so that nothing flickers.
        let up = drawnLines > 0 ? "\r\u{1B}[\(drawnLines)A" : ""
        let text = lines.map { $0.text(usesColour: output.usesColour, columns: columns - 1) + "\u{1B}[K\n" }.joined()
        try output.write(up + text)
        drawnLines = lines.count
    }

    private mutating func writeLine(_ progress: Progress, isLast: Bool) throws {
        let isDue = lastLineAt.map { progress.elapsed - $0 >= Self.pauseBetweenLines } ?? true
        guard isDue || isLast else { return }
        lastLineAt = progress.elapsed
        try output.write([ProgressBoard.line(progress)] + (isLast ? [""] + ProgressBoard.latest(progress) : []))
    }
}
