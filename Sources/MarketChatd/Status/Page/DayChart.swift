import ChatOutbox

/// The last 24 hours: a row of bars for each outcome, each with its own scale in words, and the same as a table.
struct DayChart {
    private struct Series {
        var name: String
        var className: String
        var counts: [Int]
    }

    private static let barHeight = 36
    private static let hourWidth = 10

    let report: StatusReport

    /// The oldest hour first.
    private var series: [Series] {
        let hours = Array(report.hours.reversed())
        return [
            Series(name: "Created", className: "created", counts: hours.map(\.created)),
            Series(name: "Put off", className: "put-off", counts: hours.map(\.putOff)),
            Series(name: "Rejected", className: "rejected", counts: hours.map(\.rejected)),
        ]
    }

    func add(to page: inout HTMLWriter) {
        guard report.database.age != nil else { return }
        page.markup("<section aria-labelledby=\"day\"><h2 id=\"day\">The last 24 hours</h2>")
        page.markup("<p class=\"hint\">What became of the rows that were inserted in this time.</p>")
        for series in series { add(series, to: &page) }
        if series.contains(where: { $0.counts.contains { $0 > 0 } }) { addTable(to: &page) }
        page.close("section")
    }

    private func add(_ series: Series, to page: inout HTMLWriter) {
        let total = series.counts.reduce(0, +)
        let most = series.counts.max() ?? 0
        let scale = most > 0 ? ", at most \(most) in an hour" : ""
        page.open("figure")
        page.element("figcaption", "\(series.name): \(total)\(scale)")
        guard most > 0 else {
            page.close("figure")
            return
        }
        page.open(
            "svg",
            [
                "class": series.className, "viewBox": "0 0 \(Self.hourWidth * 24) \(Self.barHeight + 2)",
                "preserveAspectRatio": "none", "role": "img",
                "aria-label": "\(series.name) by hour, the present hour last: \(total) in all\(scale)",
            ])
        page.open("path", ["d": Self.bars(series.counts, most: most)])
        page.markup("</path></svg></figure>")
    }

    /// A bar that is not empty is at least two units high: one row among thousands is still seen.
    private static func bars(_ counts: [Int], most: Int) -> String {
        var path = "M0 \(barHeight + 1)h\(hourWidth * 24)v1h-\(hourWidth * 24)z"
        for (index, count) in counts.enumerated() where count > 0 {
            let height = max(2, barHeight * count / max(most, 1))
            path += "M\(index * hourWidth + 1) \(barHeight + 1 - height)h\(hourWidth - 2)v\(height)h-\(hourWidth - 2)z"
        }
        return path
    }

    private func addTable(to page: inout HTMLWriter) {
        page.markup(
            """
            <p class="axis"><span>24 hours ago</span><span>now</span></p>\
            <details id="day-table"><summary>As a table</summary><table><thead><tr>\
            <th scope="col">Hour that ended</th><th scope="col" class="n">Created</th>\
            <th scope="col" class="n">Put off</th><th scope="col" class="n">Rejected</th></tr></thead><tbody>
            """)
        let busy = report.hours.filter { $0.created + $0.putOff + $0.rejected > 0 }
        for hour in busy {
            page.open("tr")
            page.element("th", ["scope": "row"], hour.hoursAgo == 0 ? "now" : "\(hour.hoursAgo) h ago")
            for count in [hour.created, hour.putOff, hour.rejected] {
                page.element("td", ["class": "n"], "\(count)")
            }
            page.close("tr")
        }
        page.markup("</tbody></table></details>")
    }
}
