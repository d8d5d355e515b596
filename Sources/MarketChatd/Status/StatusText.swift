import ChatOutbox

/// A report for people at a terminal, or as plain lines in a pipe.
struct StatusText {
    let output: CommandOutput
    /// Whether it is shown over and over: then it says of when it is.
    var isWatched = false

    func show(_ report: StatusReport) {
        if isWatched { output.line(output.styled("market-chatd status, \(report.madeAt.rfc3339)", .quiet)) }
        guard !report.businesses.isEmpty else {
            output.line("No cabinet is known: MARKET_BUSINESS_IDS is not set, and the outbox is empty.")
            return
        }
        output.table(businesses(report))
        explain(report.byUrgency.filter { $0.urgency > .calm })
        showFailures(report.failures)
    }

    private func businesses(_ report: StatusReport) -> TextTable {
        var table = TextTable([
            .init(title: "BUSINESS", isNumber: true), .init(title: "OWNER", mayBeCut: true, leftOut: 6),
            .init(title: "STATE"), .init(title: "DUE", isNumber: true),
            .init(title: "LATER", isNumber: true, leftOut: 1),
            .init(title: "OLDEST", isNumber: true, leftOut: 5), .init(title: "QUOTA", isNumber: true, leftOut: 4),
            .init(title: "24H OK", isNumber: true, leftOut: 3), .init(title: "REJ", isNumber: true, leftOut: 2),
        ])
        for business in report.businesses {
            table.rows.append([
                .init("\(business.businessID)"), .init(Self.owner(business.owner)),
                .init(business.state.title, Self.style(business.urgency)),
                .init(Self.count(business.due) + (business.dueIsAtLeast ? "+" : "")), .init(Self.count(business.later)),
                .init(business.oldestDueFor.map(DurationText.rough) ?? "-"), .init(Self.quota(business.quota)),
                .init(Self.count(business.createdToday)),
                .init(Self.count(business.rejectedToday), (business.rejectedToday ?? 0) > 0 ? .attention : nil),
            ])
        }
        return table
    }

    /// `market-chatd@db1:4711` is the host and the process of an instance.
    private static func owner(_ owner: BusinessReport.Owner) -> String {
        let prefix = "market-chatd@"
        if case .other(let name) = owner, name.hasPrefix(prefix) { return String(name.dropFirst(prefix.count)) }
        return owner.title
    }

    private static func count(_ number: Int?) -> String { number.map(String.init) ?? "-" }

    private static func quota(_ quota: BusinessRecord.Quota?) -> String {
        guard let quota, quota.resetsIn > .zero else { return "-" }
        return "\(quota.remaining)/\(quota.limit)"
    }

    private static func style(_ urgency: BusinessReport.Urgency) -> TextStyle {
        switch urgency {
        case .calm: .good
        case .waiting: .quiet
        case .trouble: .attention
        case .person: .bad
        }
    }

    /// So many are explained, the most urgent first.
    private static let explained = 20

    private func explain(_ businesses: [BusinessReport]) {
        guard !businesses.isEmpty else { return }
        output.line()
        for business in businesses.prefix(Self.explained) {
            let title = output.styled("\(business.businessID) \(business.state.title)", .heading)
            output.line("\(title): \(printable(business.why, limit: 400))")
            if !business.next.isEmpty { output.line("    next: \(printable(business.next, limit: 400))") }
            if let command = business.command { output.line("    do:   \(command)") }
        }
        let more = businesses.count - Self.explained
        if more > 0 { output.line("and \(more) more that are not as they should be: --json explains all") }
    }

    private func showFailures(_ failures: [FailureGroup]) {
        guard !failures.isEmpty else { return }
        output.line()
        output.line(output.styled("What failed, of the rows of the last 24 hours that have no chat:", .heading))
        var table = TextTable([
            .init(title: "BUSINESS", isNumber: true), .init(title: "ROWS", isNumber: true),
            .init(title: "REJ", isNumber: true, leftOut: 2), .init(title: "ANSWER", mayBeCut: true),
            .init(title: "LAST", isNumber: true, leftOut: 1),
            .init(title: "MESSAGE", mayBeCut: true),
        ])
        for group in failures {
            table.notes[table.rows.count] = "do: \(FailureCure(group).command)"
            table.rows.append([
                .init("\(group.businessID)"), .init("\(group.rows)"), .init("\(group.rejected)"), .init(group.title),
                .init(DurationText.rough(group.age)), .init(group.message ?? ""),
            ])
        }
        output.table(table)
    }
}
