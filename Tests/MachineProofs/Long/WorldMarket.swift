import ChatSync
import MarketAPI

/// The Market in a simulated world: fixed windows, the limit of parallel requests, headers that may lie, and faults.
struct WorldMarket {
    private let plan: WorldPlan
    private var window = -1
    private(set) var used = 0
    private var othersUsed = 0.0
    private(set) var inFlight = 0
    private(set) var quotaRefusals: [Int: Int] = [:]
    private(set) var parallelRefusals = 0

    init(plan: WorldPlan) {
        self.plan = plan
    }

    func windowNumber(at now: Double) -> Int { Int((now + plan.offset) / plan.window) }

    func windowEnd(at now: Double) -> Double { Double(windowNumber(at: now) + 1) * plan.window - plan.offset }

    mutating func begins(_ now: Double) {
        inFlight += 1
    }

    /// What is left in the present window, for all.
    func remaining(at now: Double) -> Int {
        guard windowNumber(at: now) == window else { return plan.limit }
        return max(plan.limit - used - others(now), 0)
    }

    private func others(_ now: Double) -> Int {
        let start = Double(windowNumber(at: now)) * plan.window - plan.offset
        return min(Int((now - start) * plan.cotenant), plan.limit)
    }

    mutating func answer(_ row: WorldRow, now: Double, _ random: inout SeededRandom) -> MarketReply<CreatedChat> {
        if windowNumber(at: now) != window { (window, used) = (windowNumber(at: now), 0) }
        defer { inFlight -= 1 }
        if plan.has(.hostAway, at: now) { return MarketReply(answer: .failed(.notConnected("refused"))) }
        if random.chance(plan.lostReplies) {
            if random.chance(0.5) { used += 1 }
            return MarketReply(answer: .failed(.connectionLost("reset")))
        }
        let sick = plan.has(.out, at: now) || plan.has(row.kind == .order ? .orderOut : .returnOut, at: now)
        if sick { return refuse(503, "Service temporarily unavailable", now) }
        if inFlight > plan.parallel {
            parallelRefusals += 1
            return refuse(420, "Hit rate limit of \(plan.parallel) parallel requests for businessId", now)
        }
        switch row.nature {
        case .failing(let status, let retryAfter):
            var reply = refuse(status, "Internal", now)
            reply.retryAfter = retryAfter.map { .seconds($0) }
            return reply
        case .hangs: return MarketReply(answer: .failed(.timedOut))
        default: break
        }
        guard remaining(at: now) > 0 else {
            quotaRefusals[window, default: 0] += 1
            return refuse(420, "Hit rate limit of \(plan.limit) requests per hour for resource x", now)
        }
        used += 1
        return decide(row, now)
    }

    private func decide(_ row: WorldRow, _ now: Double) -> MarketReply<CreatedChat> {
        if plan.has(.keyInvalid, at: now) { return refuse(401, "Api-Key token is invalid", now) }
        if plan.has(.migration, at: now) { return refuse(423, "Business is in migration", now) }
        if plan.has(.malformed, at: now) {
            return MarketReply(answer: .malformed(status: 200, reason: "x"), quota: headers(now))
        }
        switch row.nature {
        case .invalid: return refuse(400, "bad", now)
        case .forbidden: return refuse(403, "API for campaign 7 disabled due to x", now)
        case .neverFound: return refuse(404, "Order not found: '1'", now)
        case .foundAfter(let time) where now < time: return refuse(404, "Order not found: '1'", now)
        case .odd(let status): return refuse(status, "odd", now)
        case .malformed: return MarketReply(answer: .malformed(status: 200, reason: "x"), quota: headers(now))
        default: return MarketReply(answer: .ok(CreatedChat(chatID: row.id + 5)), quota: headers(now))
        }
    }

    private func refuse(_ status: Int, _ message: String, _ now: Double) -> MarketReply<CreatedChat> {
        var reply = MarketReply<CreatedChat>(
            answer: .httpError(status: status, problem: MarketProblem(code: "X", message: message)),
            quota: headers(now))
        // What lies, lies above all where it refuses.
        if plan.headers == .lying, status == 420 { reply.quota = Self.lie }
        return reply
    }

    private static let lie = QuotaHeaders(limit: 9, remaining: 0, resetsIn: .seconds(86_400), until: 1 << 40)

    /// Whole seconds, as the headers have them.
    private func headers(_ now: Double) -> QuotaHeaders? {
        let end = windowEnd(at: now)
        let resets = end.rounded() - (now - plan.staleDate).rounded(.down)
        var headers = QuotaHeaders(
            limit: plan.limit, remaining: remaining(at: now), resetsIn: .seconds(max(resets, 0)),
            until: Int64(end.rounded()))
        switch plan.headers {
        case .full: break
        case .none: return nil
        case .noUntil: (headers.resetsIn, headers.until) = (nil, nil)
        case .lying:
            if Int(now) % 17 == 0 { return Self.lie }
        }
        return headers
    }
}
