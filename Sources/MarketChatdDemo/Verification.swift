import MarketSandbox

/// What both sides say in the end: the seller's database, and the Market's own books.
struct Verification: Sendable {
    var traffic: Traffic
    var rows: [FinalRow]
    var market: SandboxState

    /// By context; a context that is there twice would be one too many.
    private var rowsByContext: [SandboxContext: FinalRow] {
        Dictionary(rows.map { ($0.context, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// All that has to hold.
    func checks() -> [Check] {
        [everythingIsSettled, whatIsKnownHasAChat, whatIsUnknownIsRejected, bothSidesAgree, whatWasRolledBackIsNowhere]
            + [quotasWereKept, fewWereInFlight, redirectsWereNotFollowed]
    }

    private func name(_ context: SandboxContext) -> String {
        "\(context.businessID) \(context.kind.rawValue) \(context.id)"
    }

    private var everythingIsSettled: Check {
        let byContext = rowsByContext
        let problems = traffic.lasting.compactMap { row -> String? in
            guard let found = byContext[row.context] else { return "\(name(row.context)) is not in the shop" }
            if found.isSettled { return nil }
            if found.state == nil { return "\(name(row.context)) is not in the outbox: its trigger did not run" }
            let reason = found.lastError.isEmpty ? "the daemon has said nothing of it yet" : found.lastError
            return "\(name(row.context)) is still due after \(found.attempts) attempts: \(reason)"
        }
        return Check("every order and return is settled", of: traffic.lasting.count, problems)
    }

    private var whatIsKnownHasAChat: Check {
        outcomeCheck("what the Market knows has a chat, also what it knew late", .created) { found in
            found.state == "rejected" ? "was rejected: \(found.lastError)" : nil
        }
    }

    private var whatIsUnknownIsRejected: Check {
        outcomeCheck("what the Market refuses is rejected, has no chat ID and says why", .rejected) { found in
            if found.state == "created" { return "was created" }
            if let chatID = found.chatID { return "has the chat \(chatID)" }
            return found.error.isEmpty ? "was rejected, and the shop does not know why" : nil
        }
    }

    /// - Parameter flaw: what is wrong with a row that is settled.
    private func outcomeCheck(_ title: String, _ outcome: ShopRow.Outcome, flaw: (FinalRow) -> String?) -> Check {
        let byContext = rowsByContext
        let wanted = traffic.rows.filter { $0.outcome == outcome }
        let settled = wanted.compactMap { byContext[$0.context] }.filter(\.isSettled)
        var problems = settled.compactMap { row in flaw(row).map { "\(name(row.context)) \($0)" } }
        let extent = "\(settled.count - problems.count) of \(wanted.count)"
        // Each of them is named by the check that all are settled.
        if settled.count < wanted.count { problems.append("\(wanted.count - settled.count) are not settled") }
        return Check(title, extent, problems)
    }

    private var bothSidesAgree: Check {
        let chats = market.chats
        let created = rows.filter { $0.state == "created" }
        var problems = created.compactMap { row -> String? in
            let ids = [row.chatID, row.outboxChatID, chats[row.context]]
            if ids.allSatisfy({ $0 != nil && $0 == ids[0] }) { return nil }
            let texts = ids.map { $0.map { "\($0)" } ?? "none" }
            return "\(name(row.context)): the shop has \(texts[0]), the outbox \(texts[1]), the Market \(texts[2])"
        }
        // Whatever is still due may have a chat whose answer was lost: asking again brings the same one.
        let open = Set(rows.filter { $0.state == "created" || $0.state == "pending" }.map(\.context))
        problems += chats.filter { !open.contains($0.key) }.map { context, chatID in
            "\(name(context)): the Market has the chat \(chatID), and the outbox has none"
        }
        return Check("each chat ID in the shop is the one that the Market has", of: created.count, problems)
    }

    private var whatWasRolledBackIsNowhere: Check {
        let rolledBack = traffic.rows.filter { $0.outcome == .nothing }
        let asked = Set(
            market.contexts.map { SandboxContext(businessID: $0.businessID, kind: $0.kind, id: $0.id) })
        let byContext = rowsByContext
        let problems = rolledBack.compactMap { row -> String? in
            if asked.contains(row.context) { return "the Market was asked for \(name(row.context))" }
            return byContext[row.context] == nil ? nil : "\(name(row.context)) is there"
        }
        return Check("what was rolled back left no trace", of: rolledBack.count, problems)
    }
}

/// How the Market was treated, by its own books.
extension Verification {
    var quotasWereKept: Check {
        let problems = market.businesses.filter { $0.quotaRefusals > 0 }
            .map { "\($0.id) was refused \($0.quotaRefusals) times for its quota" }
        let requests = market.businesses.reduce(0) { $0 + $1.requests }
        return Check("no quota was exceeded", "\(requests) requests in \(windows) windows", problems)
    }

    private var windows: Int { market.businesses.reduce(0) { $0 + $1.windows.count } }

    var fewWereInFlight: Check {
        let problems = market.businesses.filter { $0.maxInFlight > DemoSettings.maxParallel }
            .map { "\($0.id) had \($0.maxInFlight) requests in flight" }
        let most = market.businesses.map(\.maxInFlight).max() ?? 0
        return Check("never more than \(DemoSettings.maxParallel) in flight for a cabinet", "\(most) at most", problems)
    }

    var redirectsWereNotFollowed: Check {
        let redirects = market.faults["redirect"] ?? 0
        let problems =
            market.redirectsFollowed > 0
            ? ["\(market.redirectsFollowed) were followed, \(market.redirectsFollowedWithKey) of them with the API key"]
            : []
        return Check("no redirect was followed, so the key went nowhere else", "\(redirects) redirects", problems)
    }
}

/// One thing that has to hold in the end.
struct Check: Sendable, Equatable {
    let name: String
    /// How much was looked at.
    let extent: String
    /// Where it does not hold; empty: it holds.
    let problems: [String]

    init(_ name: String, _ extent: String, _ problems: [String]) {
        self.name = name
        self.extent = extent
        self.problems = problems
    }

    init(_ name: String, of count: Int, _ problems: [String]) {
        self.init(name, "\(count - problems.count) of \(count)", problems)
    }

    var holds: Bool { problems.isEmpty }
}
