/// `POST /v2/businesses/{businessId}/chats/new`.
extension SandboxMarket {
    mutating func admitChat(
        _ subject: Result<SandboxContext, SandboxRefusal>, _ key: SandboxKey, at now: SandboxMoment,
        _ admitted: inout AdmittedRequest
    ) throws(SandboxRefusal) {
        guard let businessID = admitted.businessID else {
            throw .badRequest("Type mismatch: 'businessId' is not an int64")
        }
        guard businessID >= 1 else { throw .badRequest(ChatRequestBody.tooSmall("businessId", businessID)) }
        let business = try open(businessID, for: key)
        try checkLimits(businessID, at: now, &admitted)
        try decideChat(subject, business, &admitted)
    }

    /// What the body asks for. Read before anything is refused, so that each context's arrivals are complete.
    func subject(of request: SandboxRequest, businessID: Int64) -> Result<SandboxContext, SandboxRefusal> {
        Result { () throws(SandboxRefusal) in
            let type = request.contentType?.prefix { $0 != ";" }.lowercased() ?? ""
            guard type.split(separator: " ") == ["application/json"] else {
                throw SandboxRefusal(
                    415, "UNSUPPORTED_MEDIA_TYPE", "Content type '\(request.contentType ?? "")' not supported")
            }
            if request.isTooLong {
                throw SandboxRefusal(413, "PAYLOAD_TOO_LARGE", "Request body is larger than 524288 bytes")
            }
            let body = ChatRequestBody(businessID: businessID, acceptsLegacyOrderID: options.acceptsLegacyOrderID)
            return try body.context(request.body)
        }
    }

    /// The cabinet, where the key may use it.
    private mutating func open(_ id: Int64, for key: SandboxKey) throws(SandboxRefusal) -> SandboxBusiness {
        guard key.opens(id), let business = business(id) else { throw .forbidden("Access denied") }
        let noScope = "Token does not have any of the scopes to access the API method"
        switch ledgers[id]?.lockOut {
        case .denied: throw .forbidden("Access denied")
        case .disabled:
            throw SandboxRefusal(
                403, "API_DISABLED", "API for business \(id) disabled because it has only disabled partners.")
        case .scope: throw .forbidden(noScope)
        case .migration: throw SandboxRefusal(423, "LOCKED", "Business is in migration")
        case nil: break
        }
        guard key.allowsChats else { throw .forbidden(noScope) }
        return business
    }

    /// The parallel limit first, as it guards the whole API; then the window's quota.
    private mutating func checkLimits(
        _ id: Int64, at now: SandboxMoment, _ admitted: inout AdmittedRequest
    ) throws(SandboxRefusal) {
        let free = max(1, options.parallel - options.sharedParallel)
        let refusalSpends = options.parallelRefusalSpends
        let admission = withLedger(id) { ledger -> Admission in
            if ledger.inFlight > free {
                ledger.refusedForParallel()
                if refusalSpends { ledger.meter.spendIfLeft(at: now.wallNanoseconds) }
                return .tooManyInFlight
            }
            if ledger.meter.spend(at: now.wallNanoseconds) { return .admitted(window: ledger.meter.index) }
            ledger.refusedForQuota()
            return .usedUp(ledger.meter)
        }
        switch admission {
        case .admitted(let window): admitted.window = window
        case .tooManyInFlight:
            let text = "Hit rate limit of \(options.parallel) parallel requests for businessId \(id)"
            throw SandboxRefusal(420, "METHOD_FAILURE", text)
        case .usedUp(let meter): throw quotaRefusal(meter, "businesses/chats/new", "businessId \(id)")
        }
    }

    private enum Admission {
        case admitted(window: Int64)
        case tooManyInFlight
        case usedUp(QuotaMeter)
    }

    /// Draws what goes wrong. What is drawn depends on the seed, the context and how often it was tried, so it does not
    /// depend on the order in which requests come.
    private mutating func decideChat(
        _ subject: Result<SandboxContext, SandboxRefusal>, _ business: SandboxBusiness,
        _ admitted: inout AdmittedRequest
    ) throws(SandboxRefusal) {
        var chance: SeededChance
        switch subject {
        case .success(let context):
            records[context, default: ContextRecord()].admitted += 1
            chance = self.chance(1, context, Int64(records[context]?.admitted ?? 0))
        case .failure: chance = SeededChance(seed: options.seed, 2, business.id, Int64(totals.requests))
        }
        if case .success(let context) = subject, let rule = options.bad.first(where: { $0.covers(context) }) {
            count("bad")
            admitted.delay = min(options.latency, options.serverTimeout)
            admitted.fate = .bad(context, rule)
            return
        }
        let fault = options.faults.fault(chance: chance.share())
        admitted.delay = options.latency
        if chance.share() < options.faults.slow {
            count("slow")
            admitted.delay += .milliseconds(options.faults.slowMilliseconds)
        }
        if admitted.delay > options.serverTimeout {
            admitted.delay = options.serverTimeout
            throw SandboxRefusal(504, "GATEWAY_TIMEOUT", "Gateway timeout")
        }
        if let fault { count(fault.rawValue) }
        switch fault {
        case .error500: throw SandboxRefusal(500, "INTERNAL_SERVER_ERROR", "Internal server error")
        case .error502: admitted.fate = .answer(SandboxReply(status: 502, title: "Bad Gateway"))
        case .error503: throw .unavailable
        case .resetBefore: admitted.fate = .vanish
        case .redirect:
            var reply = SandboxReply(status: 302, title: "Found")
            reply.set("Location", SandboxRoute.trap)
            admitted.fate = .answer(reply)
        case .error504, .resetAfter, .malformed, nil:
            let context = try subject.get()
            if context.kind == .return, !business.takesReturns {
                throw .badRequest("Campaign type is not allowed. Allowed campaign types: FBY, FBS, EXPRESS")
            }
            admitted.fate = .chat(context, fault)
        }
    }

    mutating func settleChat(
        _ context: SandboxContext, _ fault: SandboxFault?, _ admitted: AdmittedRequest, at now: SandboxMoment
    ) -> SandboxReply {
        var reply: SandboxReply
        let isFound = lookUp(context, at: now)
        let chatID = isFound ? chat(of: context) : 0
        if isFound {
            reply = SandboxReply(status: 200, json: #"{"status":"OK","result":{"chatId":\#(chatID)}}"#)
        } else {
            reply = errorReply(.notFound(context), admitted)
        }
        switch fault {
        case .error504: return SandboxReply(status: 504, title: "Gateway Time-out")
        case .resetAfter: reply.delivery = .nothing
        case .malformed where isFound: return malformedReply(context, chatID: chatID)
        default: break
        }
        return reply
    }

    mutating func settleBad(
        _ context: SandboxContext, _ rule: SandboxBadRule, _ admitted: AdmittedRequest
    ) -> SandboxReply {
        var reply =
            switch rule.answer {
            case .status(let status): errorReply(SandboxRefusal(status: status, of: context), admitted)
            case .malformed: malformedReply(context, chatID: chat(of: context))
            case .reset: SandboxReply.nothing
            }
        if let seconds = rule.retryAfterSeconds { reply.set("Retry-After", "\(seconds)") }
        return reply
    }

    private func malformedReply(_ context: SandboxContext, chatID: Int64) -> SandboxReply {
        var chance = chance(4, context, Int64(records[context]?.admitted ?? 0))
        let malformed = chance.pick(MalformedBody.allCases).bytes(chatID: chatID)
        var reply = SandboxReply(status: 200, body: malformed.body)
        if let bytes = malformed.cutAfter { reply.delivery = .cut(after: bytes) }
        return reply
    }

    /// Whether the Market knows the order by now.
    private mutating func lookUp(_ context: SandboxContext, at now: SandboxMoment) -> Bool {
        records[context, default: ContextRecord()].lookedUp(monotonicNanoseconds: now.monotonicNanoseconds)
        let lookups = records[context]?.lookups ?? 0
        let first = records[context]?.firstLookup ?? now.monotonicNanoseconds
        switch missingRule(context) {
        case nil: return true
        case .never: return false
        case .untilAsked(let limit): return lookups > limit
        case .untilElapsed(let time): return now.monotonicNanoseconds &- first >= UInt64(clamping: time.nanoseconds)
        }
    }

    /// Also for demonstrations and tests that want to know what is in store for an order.
    public func missingRule(_ context: SandboxContext) -> MissingRule? {
        if let rule = options.missing.ids[context.id] { return rule }
        var chance = chance(5, context, 0)
        let share = chance.share()
        if share < options.missing.neverShare { return .never }
        return share < options.missing.neverShare + options.missing.lateShare ? options.missing.lateRule : nil
    }

    /// The chat that exists, or a new one. Ids are odd numbers above 2^53: whoever reads one as a double gets another.
    private mutating func chat(of context: SandboxContext) -> Int64 {
        if let chatID = records[context]?.chatID { return chatID }
        chatCount += 1
        let start = 0x20_0000_0000_0001 + Int64(options.seed % 1_000_000) * 1_000_000_000_000
        let chatID = start + 2 * chatCount
        records[context, default: ContextRecord()].chatID = chatID
        return chatID
    }

    private func chance(_ purpose: Int64, _ context: SandboxContext, _ count: Int64) -> SeededChance {
        SeededChance(
            seed: options.seed, purpose, context.businessID, context.kind == .order ? 0 : 1, context.id, count)
    }
}
