/// Reads the bodies of answers. Pure, and total: there is an answer for whatever the bytes are.
struct AnswerParsing: Sendable {
    let safe: SafeText

    private static let codeLimit = 200
    private static let messageLimit = 1000
    private static let excerptLimit = 200

    // MARK: 2xx

    /// `{"status":"OK","result":{"chatId":1}}`.
    func createdChat(status: Int, body: [UInt8]) -> MarketAnswer<CreatedChat> {
        read(status: status, body: body, wrapped: true) { document throws(Unusable) in
            guard let chatID = document["result"]?["chatId"] else { throw Unusable("result.chatId is missing") }
            guard let chatID = chatID.int64 else { throw Unusable("result.chatId is not an int64") }
            guard chatID >= 1 else { throw Unusable("result.chatId is \(chatID)") }
            return CreatedChat(chatID: chatID)
        }
    }

    /// `{"status":"OK","result":{"apiKey":{"name":"…","authScopes":["COMMUNICATION"]}}}`.
    func keyInfo(status: Int, body: [UInt8]) -> MarketAnswer<APIKeyInfo> {
        read(status: status, body: body, wrapped: true) { document throws(Unusable) in
            guard let key = document["result"]?["apiKey"], case .object = key else {
                throw Unusable("result.apiKey is missing")
            }
            let scopes = key["authScopes"]?.array ?? []
            return APIKeyInfo(
                name: safe.text(key["name"]?.string, limit: Self.codeLimit),
                scopes: scopes.compactMap { safe.text($0.string, limit: Self.codeLimit) })
        }
    }

    /// `{"campaigns":[{"id":1,"business":{"id":2},"placementType":"FBS"}],"paging":{"nextPageToken":"…"}}`: no `status`.
    func campaigns(status: Int, body: [UInt8]) -> MarketAnswer<CampaignPage> {
        read(status: status, body: body, wrapped: false) { document throws(Unusable) in
            guard let entries = document["campaigns"]?.array else { throw Unusable("campaigns is missing") }
            let campaigns = entries.compactMap { entry -> CampaignPage.Campaign? in
                guard let id = entry["id"]?.int64 else { return nil }
                return CampaignPage.Campaign(
                    id: id, businessID: entry["business"]?["id"]?.int64,
                    placementType: safe.text(entry["placementType"]?.string, limit: Self.codeLimit),
                    apiAvailability: safe.text(entry["apiAvailability"]?.string, limit: Self.codeLimit))
            }
            let token = document["paging"]?["nextPageToken"]?.string
            return CampaignPage(campaigns: campaigns, nextPageToken: token == "" ? nil : token)
        }
    }

    private struct Unusable: Error {
        var reason: String
        init(_ reason: String) { self.reason = reason }
    }

    /// - Parameter wrapped: whether the document has to say `"status":"OK"`. Where it says anything else, it is always
    ///   unusable.
    private func read<Value>(
        status: Int, body: [UInt8], wrapped: Bool, extract: (JSONValue) throws(Unusable) -> Value
    ) -> MarketAnswer<Value> {
        let document: JSONValue
        do {
            document = try JSONParser.parse(body)
        } catch {
            return .malformed(status: status, reason: reason(for: error, body: body))
        }
        let said = document["status"]?.string
        if said != "OK", wrapped || said != nil {
            let problem = problem(in: document)
            let details = [problem.code, problem.message].compactMap { $0 }.joined(separator: ": ")
            let headline = said == nil ? "status is missing" : "status is \(safe.text(said, limit: 50) ?? "empty")"
            let reason = details.isEmpty ? headline : "\(headline): \(details)"
            return .malformed(status: status, reason: safe.text(reason, limit: Self.messageLimit))
        }
        do {
            return .ok(try extract(document))
        } catch {
            return .malformed(status: status, reason: error.reason)
        }
    }

    private func reason(for failure: JSONParser.Failure, body: [UInt8]) -> String {
        switch failure {
        case .empty: "the body is empty"
        case .tooDeep: "the body is nested too deeply"
        case .malformed(let offset):
            "the body is not JSON (byte \(offset)): " + safe.text(body, limit: Self.excerptLimit)
        }
    }

    // MARK: Errors

    /// The problem that a body tells, in whichever shape; its first characters where it tells none.
    func problem(body: [UInt8]) -> MarketProblem {
        if let document = try? JSONParser.parse(body) {
            let problem = problem(in: document)
            if problem != MarketProblem() { return problem }
        }
        let excerpt = safe.text(body, limit: Self.messageLimit)
        return MarketProblem(code: nil, message: excerpt.isEmpty ? nil : excerpt)
    }

    /// `{"errors":[{"code":"…","message":"…"}]}`, then the older `{"error":{"code":403,"message":"…"}}`, then a document
    /// that is itself such an error, or has a text as its `error`, as gateways answer.
    private func problem(in document: JSONValue) -> MarketProblem {
        var candidates = document["errors"]?.array ?? []
        if let error = document["error"] { candidates.append(error) }
        candidates.append(document)
        for candidate in candidates {
            let found = MarketProblem(
                code: safe.text(candidate["code"]?.scalarText, limit: Self.codeLimit),
                message: safe.text(candidate["message"]?.string ?? candidate.string, limit: Self.messageLimit))
            if found != MarketProblem() { return found }
        }
        return MarketProblem()
    }
}
