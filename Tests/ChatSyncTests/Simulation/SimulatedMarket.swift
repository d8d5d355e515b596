import ChatSync
import MarketAPI
import Synchronization

/// Which faults the Market shows, and how often.
struct MarketFaults: Sendable {
    var serverError = 0.0
    var lostRequest = 0.0
    var lostReply = 0.0
    var malformed = 0.0
    var slow = 0.0
    /// Nothing but 503.
    var isOut = false
    /// Nothing but 503 with Retry-After of so long.
    var isOverloaded: Duration?
    /// No connection comes about.
    var isUnreachable = false
    /// Nothing but 401.
    var keyIsInvalid = false
    /// 420 for the quota without any header.
    var blindRefusal = 0.0
    /// 503 with Retry-After.
    var overload = 0.0
    /// 423.
    var migration = 0.0

    static let none = MarketFaults()
}

/// How the Market answers for one context, whatever else happens.
enum ContextBehaviour: Sendable, Equatable {
    case normal
    /// 400 for good.
    case invalid
    /// 404 until this time, then a chat.
    case foundAfter(Duration)
    /// 404 for good.
    case neverFound
    /// 500 for this context alone.
    case poisoned
    /// 403 for this context alone.
    case forbidden
    /// 503 with Retry-After for this context alone.
    case overloads(Duration)
    /// An answer that nothing can be made of.
    case malformed
    /// This status, which is not documented.
    case odd(Int)

    /// Whether only a person can mend it.
    var isBadForGood: Bool {
        switch self {
        case .normal, .invalid, .foundAfter, .neverFound: false
        case .poisoned, .forbidden, .overloads, .malformed, .odd: true
        }
    }
}

/// The Market: idempotent chats, fixed windows, the limit of parallel requests, and faults.
final class SimulatedMarket: Sendable {
    struct State: Sendable {
        var faults = MarketFaults.none
        var chats: [String: Int64] = [:]
        var behaviours: [Int64: ContextBehaviour] = [:]
        var used: [Int64: (window: Int64, count: Int)] = [:]
        var inFlight: [Int64: Int] = [:]
        var mostInFlight: [Int64: Int] = [:]
        var quotaRefusals = 0
        var parallelRefusals = 0
        var served = 0
        var firstAsked: [String: Duration] = [:]
        var asked: [String: Int] = [:]
        /// What an instance must not have done.
        var violations: [String] = []
    }

    let state = Mutex(State())
    let clock: SimulatedClock
    let random: SeededRandom
    let quota: Int
    let window: Duration
    let parallel: Int

    init(clock: SimulatedClock, random: SeededRandom, quota: Int, window: Duration, parallel: Int) {
        self.clock = clock
        self.random = random
        self.quota = quota
        self.window = window
        self.parallel = parallel
    }

    static func key(_ businessID: Int64, _ type: String, _ id: Int64) -> String { "\(businessID)/\(type)/\(id)" }

    /// Another integration of the cabinet spends quota.
    func spend(_ businessID: Int64) {
        state.withLock { _ = take(businessID, &$0) }
    }

    private var windowNumber: Int64 {
        clock.now.sinceStart.components.seconds / window.components.seconds
    }

    /// - Returns: false where the quota is used up.
    private func take(_ businessID: Int64, _ state: inout State) -> Bool {
        var used = state.used[businessID] ?? (windowNumber, 0)
        if used.window != windowNumber { used = (windowNumber, 0) }
        let isLeft = used.count < quota
        if isLeft { used.count += 1 }
        state.used[businessID] = used
        return isLeft
    }

    /// Whole seconds, as the headers have them.
    private func headers(_ businessID: Int64, _ state: State) -> QuotaHeaders {
        let used = state.used[businessID].map { $0.window == windowNumber ? $0.count : 0 } ?? 0
        let until = (windowNumber + 1) * window.components.seconds
        return QuotaHeaders(
            limit: quota, remaining: quota - used,
            resetsIn: .seconds(until - clock.now.sinceStart.components.seconds), until: until)
    }

    /// The server's side of one exchange.
    func answer(_ request: CreateChatRequest) -> MarketReply<CreatedChat> {
        guard case .context(let context) = request.subject else {
            return MarketReply(answer: .httpError(status: 400, problem: MarketProblem(code: "BAD_REQUEST")))
        }
        let key = Self.key(request.businessID, context.kind.rawValue, context.id)
        let now = clock.now.sinceStart
        return state.withLock { state in
            state.asked[key, default: 0] += 1
            if state.firstAsked[key] == nil { state.firstAsked[key] = now }
            func refuse(_ status: Int, _ code: String, _ message: String) -> MarketReply<CreatedChat> {
                MarketReply(
                    answer: .httpError(status: status, problem: MarketProblem(code: code, message: message)),
                    quota: headers(request.businessID, state), traceID: "trace")
            }
            func overload(_ wait: Duration) -> MarketReply<CreatedChat> {
                var reply = refuse(503, "UNAVAILABLE", "Please, try again later")
                reply.retryAfter = wait
                return reply
            }
            if state.inFlight[request.businessID, default: 0] > parallel {
                state.parallelRefusals += 1
                return refuse(420, "LIMIT", "Hit rate limit of \(parallel) parallel requests for businessId 1")
            }
            let behaviour = state.behaviours[context.id] ?? .normal
            if let wait = state.faults.isOverloaded { return overload(wait) }
            if case .overloads(let wait) = behaviour { return overload(wait) }
            let isSick = state.faults.isOut || behaviour == .poisoned || random.chance(state.faults.serverError)
            if isSick { return refuse(500, "INTERNAL", "Service temporarily unavailable") }
            guard take(request.businessID, &state) else {
                state.quotaRefusals += 1
                return refuse(420, "LIMIT", "Hit rate limit of \(quota) requests per hour for resource chats")
            }
            if random.chance(state.faults.blindRefusal) {
                let problem = MarketProblem(code: "LIMIT", message: "Hit rate limit of 5 requests per hour")
                return MarketReply(answer: .httpError(status: 420, problem: problem))
            }
            if random.chance(state.faults.overload) { return overload(.seconds(7)) }
            if random.chance(state.faults.migration) { return refuse(423, "LOCKED", "Business is in migration") }
            if state.faults.keyIsInvalid { return refuse(401, "UNAUTHORIZED", "Api-Key token is invalid") }
            switch behaviour {
            case .invalid: return refuse(400, "BAD_REQUEST", "must be greater than or equal to 1")
            case .forbidden: return refuse(403, "FORBIDDEN", "Access denied")
            case .neverFound: return refuse(404, "NOT_FOUND", "Order not found: '\(context.id)'")
            case .foundAfter(let time) where now < time:
                return refuse(404, "NOT_FOUND", "Order not found: '\(context.id)'")
            case .odd(let status): return refuse(status, "NEW", "Nobody knows why")
            case .normal, .foundAfter, .poisoned, .overloads, .malformed: break
            }
            if behaviour == .malformed || random.chance(state.faults.malformed) {
                return MarketReply(
                    answer: .malformed(status: 200, reason: "no result"), quota: headers(request.businessID, state))
            }
            let chat = state.chats[key] ?? Int64(1 << 53) + Int64(state.chats.count)
            state.chats[key] = chat
            return MarketReply(answer: .ok(CreatedChat(chatID: chat)), quota: headers(request.businessID, state))
        }
    }
}

/// The Market as one instance sees it.
final class SimulatedMarketClient: MarketClient {
    private let market: SimulatedMarket
    private let outbox: SimulatedOutbox
    private let inFlight = Mutex<[Int64: Int]>([:])
    /// The most requests of one business in flight from this instance.
    let most = Mutex(0)

    init(market: SimulatedMarket, outbox: SimulatedOutbox) {
        self.market = market
        self.outbox = outbox
    }

    func createChat(_ request: CreateChatRequest) async -> MarketReply<CreatedChat> {
        if outbox.isDead { return MarketReply(answer: .failed(.cancelled)) }
        checkThatItMayBeSent(request.businessID)
        let faults = market.state.withLock(\.faults)
        count(request.businessID, 1)
        defer { count(request.businessID, -1) }
        if faults.isUnreachable {
            await outbox.pause(.milliseconds(1)...(.seconds(2)))
            return MarketReply(answer: .failed(.notConnected("refused")))
        }
        if market.random.chance(faults.lostRequest) {
            await outbox.pause(.milliseconds(1)...(.seconds(15)))
            return MarketReply(answer: .failed(.connectionLost("reset")))
        }
        await outbox.pause(.milliseconds(1)...(.milliseconds(5)))
        market.state.withLock { $0.inFlight[request.businessID, default: 0] += 1 }
        let reply = market.answer(request)
        let isSlow = market.random.chance(faults.slow)
        await outbox.pause(.milliseconds(5)...(isSlow ? .seconds(14) : .milliseconds(80)))
        market.state.withLock { $0.inFlight[request.businessID, default: 0] -= 1 }
        if market.random.chance(faults.lostReply) { return MarketReply(answer: .failed(.timedOut)) }
        return Task.isCancelled ? MarketReply(answer: .failed(.cancelled)) : reply
    }

    /// Nobody sends for a business that it knows not to own, nor while the business is held or paused.
    private func checkThatItMayBeSent(_ businessID: Int64) {
        let now = market.clock.now.sinceStart
        let disownedFor = outbox.disowned.withLock { $0[businessID] }.map { now - $0 } ?? .zero
        if disownedFor > .milliseconds(100) {
            market.state.withLock { $0.violations.append("\(now): sent for \(businessID), which it does not own") }
        }
        if let reason = outbox.database.reasonNotToSend(businessID, grace: .seconds(5)) {
            let written = outbox.database.state.withLock { $0.writtenAt[businessID] } ?? .zero
            market.state.withLock {
                $0.violations.append(
                    "\(now): sent for \(businessID), which is held: \(reason), as was written at \(written)")
            }
        }
    }

    private func count(_ businessID: Int64, _ change: Int) {
        let now = inFlight.withLock { inFlight -> Int in
            inFlight[businessID, default: 0] += change
            return inFlight[businessID, default: 0]
        }
        most.withLock { $0 = max($0, now) }
    }

    func keyInfo(businessID: Int64) async -> MarketReply<APIKeyInfo> {
        MarketReply(answer: .ok(APIKeyInfo(name: nil, scopes: ["COMMUNICATION"])))
    }

    func campaigns(businessID: Int64, pageToken: String?) async -> MarketReply<CampaignPage> {
        MarketReply(answer: .ok(CampaignPage(campaigns: [], nextPageToken: nil)))
    }
}
