/// A table of texts, for a terminal or a pipe.
struct TextTable: Sendable {
    struct Cell: Sendable, ExpressibleByStringInterpolation {
        var text: String
        var style: TextStyle?

        init(_ text: String, _ style: TextStyle? = nil) {
            self.text = text
            self.style = style
        }

        init(stringLiteral value: String) { self.init(value) }
    }

    struct Column: Sendable {
        var title: String
        /// Numbers stand under each other by their last digit.
        var isNumber = false
        /// Whether it may be cut where the table is too wide; the widest such column is cut first.
        var mayBeCut = false
        /// Where the table is too wide even so, columns with such a number are left out, the least number first.
        var leftOut: Int?
    }

    var columns: [Column]
    var rows: [[Cell]] = []
    /// A line below a row, by the row's index, for what is to be copied whole. It is never cut.
    var notes: [Int: String] = [:]

    private static let noteIndent = "      "
    /// Between two columns.
    private static let gap = "  "
    private static let leastWidth = 8

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// - Parameter width: of the terminal; `nil`: nothing is cut or left out.
    func lines(width: Int?, styled: (String, TextStyle) -> String) -> [String] {
        var widths = columns.indices.map { index in
            ([columns[index].title.count] + rows.map { Self.text(of: $0[index]).count }).max() ?? 0
        }
        if let width {
            shrink(&widths, to: width)
            let least = columns.indices.filter { columns[$0].leftOut != nil }
                .min { columns[$0].leftOut ?? 0 < columns[$1].leftOut ?? 0 }
            if excess(of: widths, over: width) > 0, let least {
                return without(least).lines(width: width, styled: styled)
            }
        }
        let head = line(columns.map { Cell($0.title, .heading) }, widths, styled)
        return [head]
            + rows.indices.flatMap { index in
                [line(rows[index], widths, styled)] + (notes[index].map { [Self.noteIndent + printable($0)] } ?? [])
            }
    }

    private func without(_ column: Int) -> TextTable {
        var narrower = self
        narrower.columns.remove(at: column)
        for row in rows.indices { narrower.rows[row].remove(at: column) }
        return narrower
    }

    private func excess(of widths: [Int], over width: Int) -> Int {
        widths.reduce(0, +) + Self.gap.count * (widths.count - 1) - width
    }

    private func shrink(_ widths: inout [Int], to width: Int) {
        var excess = excess(of: widths, over: width)
        while excess > 0 {
            let candidates = columns.indices.filter { columns[$0].mayBeCut && widths[$0] > Self.leastWidth }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { return }
            widths[widest] -= 1
            excess -= 1
        }
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ styled: (String, TextStyle) -> String) -> String {
        var parts: [String] = []
        for (index, cell) in cells.enumerated() {
            let text = Self.cut(Self.text(of: cell), to: widths[index])
            let padding = String(repeating: " ", count: widths[index] - text.count)
            let shown = cell.style.map { text.isEmpty ? text : styled(text, $0) } ?? text
            let isLast = index == cells.count - 1
            parts.append(columns[index].isNumber ? padding + shown : isLast ? shown : shown + padding)
        }
        return parts.joined(separator: Self.gap)
    }

    /// Texts come from the database, so from anybody.
    private static func text(of cell: Cell) -> String { printable(cell.text, limit: 1000) }

    static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : String(text.prefix(max(width - 1, 0))) + "…"
    }
}
