/// The calls that tell what a key is good for.
extension SandboxMarket {
    /// `POST /v2/auth/token`, 100 an hour, Api-Key only.
    mutating func admitToken(
        _ key: SandboxKey, at now: SandboxMoment, _ admitted: inout AdmittedRequest
    ) throws(SandboxRefusal) {
        if key.isOAuth { throw .unauthorized("Api-Key token is not specified") }
        try spend("auth/token", of: key, limit: 100, at: now, &admitted)
        let scopes = key.scopes.map(quoted).joined(separator: ",")
        admitted.delay = options.latency
        admitted.fate = .answer(
            SandboxReply(
                status: 200,
                json: #"{"status":"OK","result":{"apiKey":{"name":"sandbox","authScopes":[\#(scopes)]}}}"#))
    }

    /// `GET /v2/campaigns`, 1,000 an hour. A page's token is the position of its first campaign.
    mutating func admitCampaigns(
        _ request: SandboxRequest, _ key: SandboxKey, at now: SandboxMoment, _ admitted: inout AdmittedRequest
    ) throws(SandboxRefusal) {
        try spend("campaigns", of: key, limit: 1000, at: now, &admitted)
        let limit = request.query("limit") ?? "100"
        guard let limit = Int(limit), (1...1000).contains(limit) else {
            throw .badRequest("Type mismatch: 'limit' must be within 1 and 1000")
        }
        let all = campaigns(of: key)
        let token = request.query("pageToken") ?? ""
        guard let first = token.isEmpty ? 0 : Int(token), (0...all.count).contains(first) else {
            throw .badRequest("Illegal input at 'pageToken'")
        }
        let end = min(all.count, first + limit)
        let paging = end < all.count ? #"{"nextPageToken":"\#(end)"}"# : "{}"
        let list = all[first..<end].joined(separator: ",")
        admitted.delay = options.latency
        admitted.fate = .answer(SandboxReply(status: 200, json: #"{"campaigns":[\#(list)],"paging":\#(paging)}"#))
    }

    /// One JSON object per shop that the key may see. Where every id is a cabinet, those that were asked for or that a
    /// key is bound to.
    private func campaigns(of key: SandboxKey) -> [String] {
        var businesses = options.businesses
        if businesses.isEmpty {
            let ids = options.keys.reduce(Set(ledgers.keys.filter { $0 >= 1 })) { $0.union($1.businesses) }
            businesses = ids.sorted().map { SandboxBusiness(id: $0) }
        }
        return businesses.filter { key.opens($0.id) && ledgers[$0.id]?.lockOut != .denied }.flatMap { business in
            business.placements.enumerated().map { number, placement in
                let name = quoted("Sandbox \(business.id)")
                let type = placement == .express ? "FBS" : placement.rawValue.uppercased()
                let isDisabled = ledgers[business.id]?.lockOut == .disabled
                let availability = isDisabled ? "DISABLED_BY_INACTIVITY" : "AVAILABLE"
                let id = business.id &* 10 &+ Int64(number)
                return #"{"id":\#(id),"domain":"sandbox-\#(id)","business":{"id":\#(business.id),"name":\#(name)},"#
                    + #""placementType":"\#(type)","apiAvailability":"\#(availability)"}"#
            }
        }
    }

    private mutating func spend(
        _ resource: String, of key: SandboxKey, limit: Int, at now: SandboxMoment, _ admitted: inout AdmittedRequest
    ) throws(SandboxRefusal) {
        let name = "\(resource) \(key.token)"
        var meter = keyMeters[name] ?? QuotaMeter(limit: limit, window: .seconds(3600))
        defer { keyMeters[name] = meter }
        admitted.meterName = name
        guard meter.spend(at: now.wallNanoseconds) else { throw quotaRefusal(meter, resource, "the token") }
        admitted.window = meter.index
    }
}
