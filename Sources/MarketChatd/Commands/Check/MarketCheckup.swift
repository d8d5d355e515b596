import MarketAPI

/// Asks the Market whether one key is good, and which cabinets it sees.
struct MarketCheckup {
    /// Of the vendor: either lets chats be created.
    private static let scopes: Set<String> = ["COMMUNICATION", "ALL_METHODS"]
    /// A key that sees more shops than this is looked at no further.
    private static let mostPages = 100

    let client: HTTPMarketClient
    /// Those that use this key.
    let businessIDs: [Int64]

    /// - Parameter isOAuth: whether it is a token of the older kind, which tells no scopes.
    func lines(isOAuth: Bool) async -> [CheckLine] {
        var lines: [CheckLine] = []
        if isOAuth {
            lines.append(.ok("API key", "an OAuth token: the Market does not tell its scopes"))
        } else {
            let line = await keyLine()
            lines.append(line)
            // The same answer again for each cabinet would tell nothing.
            guard line.isOK else {
                return lines + [.skipped("cabinets", "not looked at until the key is good")]
            }
        }
        return lines + (await cabinetLines())
    }

    private var names: String {
        let shown = businessIDs.prefix(5).map(String.init).joined(separator: ", ")
        return "of \(businessIDs.count == 1 ? "cabinet" : "cabinets") \(shown)\(businessIDs.count > 5 ? ", …" : "")"
    }

    private func keyLine() async -> CheckLine {
        let reply = await client.keyInfo(businessID: businessIDs[0])
        switch reply.answer {
        case .ok(let info):
            let scopes = info.scopes.map { $0.uppercased().replacingHyphens }
            let name = info.name.map { "\"\($0)\"" } ?? "without a name"
            guard scopes.contains(where: Self.scopes.contains) else {
                return .bad(
                    "API key", .configuration, "the key \(name) \(names) has the scopes \(info.scopes)",
                    cure: "make a key with the scope communication or all-methods, in the cabinet under API keys",
                    traceID: reply.traceID)
            }
            return .ok("API key", "\(name) \(names), scopes \(info.scopes.joined(separator: ", "))")
        default:
            return line("API key", "the key \(names)", reply)
        }
    }

    private func cabinetLines() async -> [CheckLine] {
        var seen: Set<Int64> = []
        var page: String?
        for _ in 0..<Self.mostPages {
            let reply = await client.campaigns(businessID: businessIDs[0], pageToken: page)
            guard case .ok(let found) = reply.answer else { return [line("cabinets", "the list of shops", reply)] }
            seen.formUnion(found.campaigns.compactMap(\.businessID))
            page = found.nextPageToken
            if page == nil || seen.isSuperset(of: businessIDs) { break }
        }
        let missing = businessIDs.filter { !seen.contains($0) }
        guard !missing.isEmpty else { return [.ok("cabinets", "the key sees all of them (\(names))")] }
        let others = seen.subtracting(businessIDs).sorted().prefix(10).map(String.init).joined(separator: ", ")
        return missing.map { id in
            .bad(
                "cabinets", .configuration, "the key does not see cabinet \(id)",
                cure: "mend MARKET_BUSINESS_IDS, or give that cabinet its own key as MARKET_API_KEY_\(id)"
                    + (others.isEmpty ? "" : "; the key sees \(others)"))
        }
    }

    private func line<Value>(_ name: String, _ what: String, _ reply: MarketReply<Value>) -> CheckLine {
        switch reply.answer {
        case .ok: return .ok(name, what)
        case .httpError(let status, let problem):
            let text = [problem.code, problem.message].compactMap { $0 }.joined(separator: ": ")
            let cure: String? =
                switch status {
                case 401, 403: "check MARKET_API_KEY: a key of this cabinet, not revoked, with the scope communication"
                case 404, 405, 415: "check MARKET_API_URL"
                case 420: "the check's own quota is spent: try again in an hour"
                default: nil
                }
            let isTheirs = status >= 500 || status == 420 || status == 423
            return .bad(
                name, isTheirs ? .failed : .configuration, "\(what): the Market answers \(status) \(text)", cure: cure,
                traceID: reply.traceID)
        case .malformed(let status, let reason):
            return .bad(
                name, .failed, "\(what): the Market answers \(status), but not as documented: \(reason)",
                cure: "check MARKET_API_URL: is it the Market's?", traceID: reply.traceID)
        case .failed(let failure):
            return .bad(
                name, failure.isOfConfiguration ? .configuration : .failed, "\(what): \(failure.words)",
                cure: "check the network, the name in MARKET_API_URL and, behind a proxy that opens TLS, MARKET_CA_FILE"
            )
        }
    }
}

extension TransportFailure {
    fileprivate var isOfConfiguration: Bool {
        if case .noCredentials = self { true } else { false }
    }

    fileprivate var words: String {
        switch self {
        case .timedOut: "no answer within MARKET_REQUEST_TIMEOUT"
        case .nameNotResolved(let reason), .noCredentials(let reason): reason
        case .notConnected(let reason): "no connection: \(reason)"
        case .insecure(let reason): "no trusted TLS: \(reason)"
        case .connectionLost(let reason): "the connection was lost: \(reason)"
        case .bodyTooLarge: "the answer is longer than 512 KB"
        case .cancelled: "it was interrupted"
        }
    }
}

extension String {
    /// The vendor writes scopes in both ways.
    fileprivate var replacingHyphens: String { String(map { $0 == "-" ? "_" : $0 }) }
}
