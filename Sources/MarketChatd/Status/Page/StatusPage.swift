import ChatOutbox
import ChatSync

/// The page at `/`: the report for people, in one piece of HTML that works without a script. Pure.
struct StatusPage {
    /// Cards of businesses at most; of what is calm and beyond them, only counts are shown.
    static let cardLimit = 12
    static let failureLimit = 8

    let report: StatusReport
    /// Whether every business gets a line, however many there are.
    var showsAll = false

    var html: String {
        var page = HTMLWriter()
        page.markup("<!DOCTYPE html>\n")
        page.open("html", ["lang": "en"])
        addHead(to: &page)
        page.open("body")
        page.markup("<a class=\"skip\" href=\"#main\">Skip to the status</a>")
        addHeader(to: &page)
        page.open("main", ["id": "main", "tabindex": "-1"])
        addNotes(to: &page)
        BusinessSection(report: report, showsAll: showsAll).add(to: &page)
        DayChart(report: report).add(to: &page)
        addFailures(to: &page)
        addChats(to: &page)
        page.close("main")
        addFooter(to: &page)
        page.close("body")
        page.markup("</html>\n")
        return page.html
    }

    private func addHead(to page: inout HTMLWriter) {
        page.markup(
            """
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\
            <meta name="color-scheme" content="light dark">\
            <noscript><meta http-equiv="refresh" content="15"></noscript>\
            <link rel="stylesheet" href="status.css"><link rel="icon" href="status.svg" type="image/svg+xml">\
            <script src="status.js" defer></script>
            """)
        page.element("title", "\(report.title) · market-chatd on \(report.host)")
        page.markup("</head>\n")
    }

    private func addHeader(to page: inout HTMLWriter) {
        page.open("header", ["class": report.urgency.word])
        page.open("h1")
        page.text("market-chatd ")
        page.element("small", "on \(report.host)")
        page.close("h1")
        page.open("p", ["id": "verdict", "role": "status"])
        page.element("span", ["aria-hidden": "true"], report.urgency.sign + " ")
        page.foreign(report.verdict, limit: 300)
        page.close("p")
        page.markup("<p id=\"lost\" role=\"alert\" hidden></p>")
        page.close("header")
    }

    /// What makes the rest older or less than it should be.
    private func addNotes(to page: inout HTMLWriter) {
        let database = report.database
        guard database.age == nil || database.readProblem != nil else { return }
        page.open("p", ["class": "note"])
        if let age = database.age {
            let then = report.madeAt.advanced(by: .zero - age).roundedToSecond.localTimeOfDay
            page.text("What comes from the database is of \(then), \(DurationText.rough(age)) ago")
        } else {
            page.text("The database has not told of owners, counts of the day, failures and chats")
        }
        // Where the engine has none either, the reason stands above.
        if let problem = database.readProblem, database.isConnected {
            page.text(": ")
            page.foreign(problem, limit: 300)
        }
        page.text(".")
        page.close("p")
    }

    private func addFailures(to page: inout HTMLWriter) {
        guard report.database.age != nil else { return }
        page.markup("<section aria-labelledby=\"failures\"><h2 id=\"failures\">Failures of the last 24 hours</h2>")
        if report.failures.isEmpty { page.element("p", "None still open.") }
        if !report.failures.isEmpty { page.open("ul", ["class": "failures"]) }
        for failure in report.failures.prefix(Self.failureLimit) { add(failure, to: &page) }
        if !report.failures.isEmpty { page.close("ul") }
        let more = report.failures.count - Self.failureLimit
        if more > 0 { page.element("p", "\(more) more kinds; market-chatd status tells them all.") }
        page.close("section")
    }

    private func add(_ failure: FailureGroup, to page: inout HTMLWriter) {
        let cure = FailureCure(failure)
        page.open("li")
        page.open("p")
        page.open("strong")
        page.foreign(failure.title, limit: 60)
        page.close("strong")
        let rows = counted(failure.rows, "row")
        let last = "the last was row \(failure.rowID), \(DurationText.rough(failure.age)) ago"
        page.text(" · business \(failure.businessID) · \(rows); \(last)")
        page.close("p")
        if let message = failure.message, !message.isEmpty {
            page.open("p", ["class": "said"])
            page.text("“")
            page.foreign(message)
            page.text("”")
            page.close("p")
        }
        page.open("p")
        page.text(cure.advice.asSentence + " ")
        page.element("code", cure.command)
        page.close("p")
        page.close("li")
    }

    private func addChats(to page: inout HTMLWriter) {
        guard report.database.age != nil else { return }
        page.markup("<section aria-labelledby=\"chats\"><h2 id=\"chats\">Recent chats</h2>")
        defer { page.close("section") }
        guard !report.recentChats.isEmpty else {
            let isYoung = report.hours.allSatisfy { $0.created == 0 }
            page.element("p", isYoung ? "None yet." : "None among the newest 1,000 rows.")
            return
        }
        page.markup(
            """
            <div class="scroll"><table><thead><tr><th scope="col">Created</th><th scope="col">For</th>\
            <th scope="col" class="n">Chat</th><th scope="col" class="n">Business</th></tr></thead><tbody>
            """)
        for chat in report.recentChats {
            page.open("tr")
            page.element("td", "\(DurationText.rough(chat.age + (report.database.age ?? .zero))) ago")
            page.element("td", "\(chat.contextType.lowercased()) \(chat.contextID)")
            page.element("td", ["class": "n"], "\(chat.chatID)")
            page.element("td", ["class": "n"], "\(chat.businessID)")
            page.close("tr")
        }
        page.markup("</tbody></table></div>")
    }

    private func addFooter(to page: inout HTMLWriter) {
        page.open("footer", ["id": "foot"])
        let time = report.madeAt.roundedToSecond.localTimeOfDay
        page.text(
            "As of \(time), in the server’s time zone (UTC\(report.madeAt.localOffset)). Version \(report.version). ")
        page.markup("<a href=\"status.json?with=database\">JSON</a> <a href=\"metrics\">Metrics</a>")
        page.close("footer")
    }
}

extension BusinessReport.Urgency {
    /// A sign that tells it without its colour.
    var sign: String {
        switch self {
        case .calm: "✓"
        case .waiting: "◔"
        case .trouble: "▲"
        case .person: "✖"
        }
    }
}

extension String {
    /// With a capital and a full stop.
    var asSentence: String {
        isEmpty ? self : prefix(1).uppercased() + dropFirst() + (hasSuffix(".") ? "" : ".")
    }
}
