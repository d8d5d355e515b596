/// The imitated Market as a value: no I/O, no clock and no chance of its own.
///
/// A request is first admitted, which takes its place in flight and decides its fate, and settled when its delay is
/// over, which does the work and gives the answer. Both ends of the delay are rules, so both are here.
public struct SandboxMarket: Sendable {
    public internal(set) var options: SandboxOptions
    var outage: SandboxOutage?
    var ledgers: [Int64: BusinessLedger] = [:]
    var records: [SandboxContext: ContextRecord] = [:]
    var chatCount: Int64 = 0
    /// The quotas of `auth/token` and `campaigns`, by method and key.
    var keyMeters: [String: QuotaMeter] = [:]
    /// The counts that belong to no business.
    var totals = SandboxState()
    private var answers: Int64 = 0

    public init(options: SandboxOptions) {
        self.options = options
        totals.seed = options.seed
        outage = options.outage
        for business in options.businesses { withLedger(business.id) { _ in } }
    }

    /// Forgets everything that happened; options, faults and lock-outs go back to what the sandbox started with.
    public mutating func reset(to options: SandboxOptions) { self = Self(options: options) }

    /// Takes a request in: `now` is when its last byte came, `arrival` when its first did.
    public mutating func admit(_ request: SandboxRequest, arrival: UInt64, at now: SandboxMoment) -> AdmittedRequest {
        totals.requests += 1
        var admitted = AdmittedRequest(route: SandboxRoute(path: request.path))
        var subject = Result<SandboxContext, SandboxRefusal>.failure(.noResource)
        if case .chats(let id) = admitted.route, let id {
            admitted.businessID = id
            withLedger(id) { $0.arrived(monotonicNanoseconds: arrival) }
            subject = self.subject(of: request, businessID: id)
            if case .success(let context) = subject {
                records[context, default: ContextRecord()].arrived(monotonicNanoseconds: arrival)
            }
        }
        if let outage {
            decide(outage, &admitted)
            return admitted
        }
        do throws(SandboxRefusal) {
            if case .unknown = admitted.route { throw .noResource }
            guard request.method == admitted.route.method else {
                throw SandboxRefusal(405, "METHOD_NOT_ALLOWED", "Request method '\(request.method)' not supported")
            }
            let key = try Credentials(keys: options.keys)
                .check(apiKey: request.apiKey, authorization: request.authorization)
            switch admitted.route {
            case .chats: try admitChat(subject, key, at: now, &admitted)
            case .token: try admitToken(key, at: now, &admitted)
            case .campaigns: try admitCampaigns(request, key, at: now, &admitted)
            case .unknown: throw .noResource
            }
        } catch {
            admitted.fate = .refuse(error)
        }
        return admitted
    }

    func decide(_ outage: SandboxOutage, _ admitted: inout AdmittedRequest) {
        switch outage {
        case .unavailable: admitted.fate = .refuse(.unavailable)
        case .reset: admitted.fate = .vanish
        case .hang:
            admitted.fate = .refuse(SandboxRefusal(504, "GATEWAY_TIMEOUT", "Gateway timeout"))
            admitted.delay = options.serverTimeout
        }
    }

    /// Does the work of a request and answers it. Once for each that was admitted, also where the client has gone: the
    /// Market would not know.
    public mutating func settle(_ admitted: AdmittedRequest, at now: SandboxMoment) -> SandboxReply {
        var reply: SandboxReply
        switch admitted.fate {
        case .refuse(let refusal): reply = errorReply(refusal, admitted)
        case .vanish: reply = .nothing
        case .answer(let answer): reply = answer
        case .chat(let context, let fault): reply = settleChat(context, fault, admitted, at: now)
        case .bad(let context, let rule): reply = settleBad(context, rule, admitted)
        }
        // 2xx and 4xx spend quota, nothing else does.
        if let window = admitted.window, reply.status < 200 || (300..<400).contains(reply.status) || reply.status >= 500
        {
            refund(admitted, window: window)
        }
        if let businessID = admitted.businessID {
            ledgers[businessID]?.answered(status: reply.delivery == .nothing ? 0 : reply.status)
        }
        totals.statuses[reply.delivery == .nothing ? 0 : reply.status, default: 0] += 1
        addHeaders(&reply, admitted, at: now)
        return reply
    }

    mutating func refund(_ admitted: AdmittedRequest, window: Int64) {
        if let businessID = admitted.businessID {
            ledgers[businessID]?.meter.refund(window: window)
        } else if let meterName = admitted.meterName {
            keyMeters[meterName]?.refund(window: window)
        }
    }

    /// `Date`, `traceparent`, and the quota headers where the resource is known.
    mutating func addHeaders(_ reply: inout SandboxReply, _ admitted: AdmittedRequest, at now: SandboxMoment) {
        answers += 1
        var chance = SeededChance(seed: options.seed, answers, Int64(truncatingIfNeeded: now.monotonicNanoseconds))
        let hex = (0..<3).map { _ in hexadecimal(chance.bits()) }
        reply.set("Date", HTTPDate.string(secondsSince1970: max(0, now.wallNanoseconds) / 1_000_000_000))
        reply.set("traceparent", "00-\(hex[0])\(hex[1])-\(hex[2])-01")
        guard
            var meter = admitted.businessID.flatMap({ ledgers[$0]?.meter })
                ?? admitted.meterName.flatMap({ keyMeters[$0] })
        else { return }
        // Asking moves this copy to the current window; the original follows when it is next spent.
        let remaining = meter.remaining(at: now.wallNanoseconds)
        reply.set("X-RateLimit-Resource-Limit", "\(meter.limit)")
        reply.set("X-RateLimit-Resource-Until", HTTPDate.string(secondsSince1970: meter.untilSeconds))
        reply.set("X-RateLimit-Resource-Remaining", "\(remaining)")
    }

    func hexadecimal(_ bits: UInt64) -> String {
        let digits = String(bits, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    func quotaRefusal(_ meter: QuotaMeter, _ resource: String, _ owner: String) -> SandboxRefusal {
        let seconds = meter.windowNanoseconds / 1_000_000_000
        let period = [3600: "hour", 60: "minute", 1: "second", 86_400: "day"][seconds] ?? "\(seconds) seconds"
        return SandboxRefusal(
            420, "METHOD_FAILURE",
            "Hit rate limit of \(meter.limit) requests per \(period) for resource \(resource) for \(owner)")
    }

    func errorReply(_ refusal: SandboxRefusal, _ admitted: AdmittedRequest) -> SandboxReply {
        var chance = SeededChance(seed: options.seed, 3, Int64(totals.requests))
        let body = refusal.body(oldShape: chance.share() < options.oldErrorShape)
        var reply = SandboxReply(status: refusal.status, body: body)
        if refusal.status == 405 { reply.set("Allow", admitted.route.method) }
        return reply
    }
}
