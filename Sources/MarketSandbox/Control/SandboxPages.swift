import FoundationEssentials

/// The sandbox's own pages under `/sandbox`, for callers of this machine.
struct SandboxPages {
    var shared: ServerState

    static let help = """
        market-sandbox, an imitation of Yandex Market. Its own pages, for callers of this machine:
          GET  /sandbox/state               everything seen so far, as JSON; ?contexts=no leaves the orders out
          POST /sandbox/change              e.g. {"outage":"reset"} or {"lockOuts":{"1001":"denied"},"quota":10}
                                            or {"bad":[{"type":"ORDER","from":1,"to":30,"answer":"403"}]}
          POST /sandbox/reset               forget everything, back to the options of the start

        """

    func answer(_ request: SandboxRequest, isLocal: Bool) -> SandboxReply {
        if request.path == SandboxRoute.trap {
            let withKey = request.apiKey != nil || request.authorization != nil
            shared.withMarket { market, _ in market.trapped(withKey: withKey) }
            return problem(404, "this is the redirect's trap: a client of the Market follows no redirect")
        }
        guard isLocal else { return problem(403, "the sandbox's own pages are for callers of this machine") }
        switch (request.method, request.path) {
        case ("GET", "/sandbox"), ("GET", "/sandbox/"): return text(200, Self.help)
        case ("GET", "/sandbox/state"):
            let withContexts = request.query("contexts") != "no"
            let state = shared.withMarket { market, now in market.state(at: now, withContexts: withContexts) }
            return json(state)
        case ("POST", "/sandbox/change"): return change(request)
        case ("POST", "/sandbox/reset"):
            shared.withMarket { market, _ in market.reset(to: shared.options) }
            return SandboxReply(status: 200, json: "{}")
        default: return problem(404, "no such page, or not by this method; GET /sandbox lists them")
        }
    }

    private func change(_ request: SandboxRequest) -> SandboxReply {
        do {
            let change = try JSONDecoder().decode(SandboxChange.self, from: Data(request.body))
            try shared.withMarket { market, _ throws(SandboxChangeError) in try market.apply(change) }
            return SandboxReply(status: 200, json: "{}")
        } catch {
            return problem(400, "\(error)")
        }
    }

    private func json(_ state: SandboxState) -> SandboxReply {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(state) else { return problem(500, "the state cannot be shown") }
        return SandboxReply(status: 200, body: Array(data))
    }

    private func text(_ status: Int, _ text: String) -> SandboxReply {
        SandboxReply(status: status, body: Array(text.utf8), contentType: "text/plain; charset=utf-8")
    }

    private func problem(_ status: Int, _ message: String) -> SandboxReply {
        SandboxReply(status: status, json: #"{"error":\#(quoted(message))}"#)
    }
}
