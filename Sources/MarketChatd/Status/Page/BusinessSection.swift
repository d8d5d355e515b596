import ChatOutbox
import ChatSync

/// The businesses of the page: a card for each of those that need attention most, and counts of the rest; or, where all
/// are asked for, a table with a line for each.
struct BusinessSection {
    let report: StatusReport
    let showsAll: Bool

    func add(to page: inout HTMLWriter) {
        page.markup("<section aria-labelledby=\"businesses\"><h2 id=\"businesses\">Businesses</h2>")
        if showsAll { addTable(to: &page) } else { addCards(to: &page) }
        page.close("section")
    }

    /// Where there are more than fit, only those that need attention get a card.
    private func addCards(to page: inout HTMLWriter) {
        let ordered = report.byUrgency
        let worthShowing = ordered.count > StatusPage.cardLimit ? ordered.count { $0.urgency > .calm } : ordered.count
        let shown = min(worthShowing, StatusPage.cardLimit)
        page.open("div", ["class": "cards"])
        for business in ordered.prefix(shown) { addCard(business, to: &page) }
        page.close("div")
        let rest = ordered.dropFirst(shown)
        guard !rest.isEmpty else { return }
        page.open("p", ["class": "rest"])
        page.text("\(rest.count)\(shown > 0 ? " more" : ""): \(counts(of: rest)). ")
        page.markup("<a href=\"?show=all\">Show all</a>")
        page.close("p")
    }

    /// `950 idle, 38 working`, the most urgent first.
    private func counts(of businesses: ArraySlice<BusinessReport>) -> String {
        var titles: [String] = []
        var counts: [String: Int] = [:]
        for business in businesses {
            let title = business.state.title
            if counts[title] == nil { titles.append(title) }
            counts[title, default: 0] += 1
        }
        return titles.map { "\(counts[$0] ?? 0) \($0)" }.joined(separator: ", ")
    }

    private func addCard(_ business: BusinessReport, to page: inout HTMLWriter) {
        let urgency = business.urgency
        page.open("article", ["class": urgency.word, "aria-labelledby": "b\(business.businessID)"])
        page.open("h3", ["id": "b\(business.businessID)"])
        page.text("\(business.businessID) ")
        page.open("span", ["class": "state"])
        page.element("span", ["aria-hidden": "true"], urgency.sign)
        page.text(" \(business.state.title)")
        page.close("span")
        page.close("h3")
        page.open("p")
        page.foreign(business.why.asSentence, limit: 240)
        page.close("p")
        addNext(business, to: &page)
        addQuota(of: business, to: &page)
        page.open("dl")
        addFact("Owner", business.owner.title, to: &page)
        addFact(
            "Due", business.due.map { "\($0)\(business.dueIsAtLeast ? " or more" : "")" } ?? "unknown", to: &page)
        if let oldest = business.oldestDueFor { addFact("Oldest", DurationText.rough(oldest), to: &page) }
        if let later = business.later, later > 0 { addFact("Later", "\(later)", to: &page) }
        if let created = business.createdToday { addFact("Created in 24 h", "\(created)", to: &page) }
        if let rejected = business.rejectedToday, rejected > 0 { addFact("Rejected in 24 h", "\(rejected)", to: &page) }
        page.close("dl")
        page.close("article")
    }

    private func addNext(_ business: BusinessReport, to page: inout HTMLWriter) {
        guard !business.next.isEmpty || business.command != nil else { return }
        page.open("p", ["class": "next"])
        if !business.next.isEmpty { page.text("Next: \(business.next). ") }
        if let command = business.command { page.element("code", command) }
        page.close("p")
    }

    private func addFact(_ name: StaticString, _ value: String, to page: inout HTMLWriter) {
        page.markup("<div><dt>")
        page.markup(name)
        page.markup("</dt><dd>")
        page.foreign(value)
        page.markup("</dd></div>")
    }

    private func addQuota(of business: BusinessReport, to page: inout HTMLWriter) {
        guard let quota = business.quota else {
            let isServed = business.state == .working || business.state == .idle
            if isServed { page.element("p", ["class": "quota"], "Quota: known with the first answer") }
            return
        }
        let left = min(max(quota.remaining, 0), max(quota.limit, 1))
        let isOver = quota.resetsIn == .zero
        let width = isOver ? 100 : left * 100 / max(quota.limit, 1)
        page.open("p", ["class": "quota"])
        page.open("svg", ["viewBox": "0 0 100 6", "preserveAspectRatio": "none", "aria-hidden": "true"])
        page.markup("<rect class=\"track\" width=\"100\" height=\"6\"/>")
        page.open(
            "rect", ["class": left * 10 < quota.limit && !isOver ? "low" : "fill", "width": "\(width)", "height": "6"])
        page.markup("</rect></svg> ")
        if isOver {
            page.text("Quota: \(quota.limit) requests, a new window with the next one")
        } else {
            let reset = report.madeAt.advanced(by: quota.resetsIn).roundedToSecond.localTimeOfDay
            page.text("Quota: \(left) of \(quota.limit) left until \(reset)")
        }
        page.close("p")
    }

    private func addTable(to page: inout HTMLWriter) {
        page.markup(
            """
            <p><a href="?">Show those that need attention</a></p><div class="scroll"><table><thead><tr>\
            <th scope="col">Business</th><th scope="col">State</th><th scope="col">Owner</th>\
            <th scope="col" class="n">Due</th><th scope="col">Oldest</th><th scope="col">Next</th></tr></thead><tbody>
            """)
        for business in report.byUrgency {
            page.open("tr", ["class": business.urgency.word])
            page.element("th", ["scope": "row"], "\(business.businessID)")
            page.element("td", ["class": "state"], "\(business.urgency.sign) \(business.state.title)")
            page.open("td")
            page.foreign(business.owner.title, limit: 80)
            page.close("td")
            page.element("td", ["class": "n"], business.due.map { "\($0)\(business.dueIsAtLeast ? "+" : "")" } ?? "?")
            page.element("td", business.oldestDueFor.map(DurationText.rough) ?? "")
            page.element("td", ["class": "wide"], business.next)
            page.close("tr")
        }
        page.markup("</tbody></table></div>")
    }
}
