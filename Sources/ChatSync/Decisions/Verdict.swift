public import ChatOutbox
public import MarketAPI

/// What one answer of the Market means, for its row and for its business: the table "what each answer does".
public struct Verdict: Sendable, Equatable {
    /// What becomes of the row; `nil`: as if nothing had been sent.
    public var change: RowResult.Change?
    /// What the answer says of the business, the key or the host.
    public var evidence: Evidence
    /// For `market_chat.attempt`; `nil` where there is nothing to tell.
    public var exchange: ExchangeRecord?

    /// What it says of the business.
    public enum Evidence: Sendable, Equatable {
        /// The Market answered about the row: the key is good, and the Market is in its right mind.
        case answered
        /// The Market is sick, or makes nothing of this row. `retryAfter`: it says for how long not to ask.
        case failed(retryAfter: Duration?)
        /// No connection came about: the host is away, for every business.
        case hostIsAway
        /// 403: the key may not do this, for this row or for all.
        case forbidden
        /// A 4xx that is not documented: this row's, or everybody's.
        case odd(status: Int)
        /// Nothing is to be sent for a while, then one row.
        case held(Hold.Kind, for: Duration)
        case quotaUsedUp
        case tooManyInFlight
        case nothing
    }

    /// How rows are put off.
    public struct Patience: Sendable, Hashable {
        /// After failures that are not the row's fault.
        public var backoff: Backoff
        /// How long a 404 that names the row is believed to pass.
        public var notFound: Duration

        public init(backoff: Backoff, notFound: Duration) {
            self.backoff = backoff
            self.notFound = notFound
        }

        /// An order that is not found is asked for less and less often: each time costs quota. At first it doubles as for
        /// all, since many an order is only late; then it grows fourfold.
        func notFoundDelay(attempts: Int, random: Double) -> Duration {
            backoff.delay(attempts: attempts + max(attempts - 2, 0), random: random)
        }
    }
}

extension Verdict {
    /// - Parameters:
    ///   - reply: the answer to this row's request.
    ///   - row: as it was read.
    ///   - businessID: the cabinet: its number in a text is not the row's.
    ///   - patience: how rows are put off.
    ///   - random: in 0..<1, for the row's backoff.
    public static func of(
        _ reply: MarketReply<CreatedChat>, row: DueRow, businessID: Int64, patience: Patience, random: Double
    ) -> Verdict {
        let backoff = RowResult.Change.backoff(patience.backoff.delay(attempts: row.attempts, random: random))
        var verdict: Verdict
        switch reply.answer {
        case .ok(let chat): verdict = Verdict(change: .created(chatID: chat.chatID), evidence: .answered)
        case .malformed(let status, let reason):
            verdict = Verdict(
                change: backoff, evidence: .failed(retryAfter: nil),
                exchange: ExchangeRecord(httpStatus: status, code: "UNUSABLE_ANSWER", message: reason))
        case .httpError(let status, let problem):
            let isAboutRow = status == 404 && names(row, businessID: businessID, problem)
            let (change, evidence) =
                isAboutRow
                ? (notFound(row, patience, random: random), .answered)
                : of(status, problem, reply: reply, backoff: backoff)
            verdict = Verdict(
                change: change, evidence: evidence,
                exchange: ExchangeRecord(httpStatus: status, code: problem.code, message: problem.message))
        case .failed(let failure): verdict = of(failure, backoff: backoff)
        }
        verdict.exchange?.traceID = reply.traceID
        return verdict
    }

    /// Answers "not found" before the one that rejects the row, at least, however short the patience: so it takes four in all.
    static let leastNotFound = 3

    private static func notFound(_ row: DueRow, _ patience: Patience, random: Double) -> RowResult.Change {
        // Time alone is not enough: where the quota let it wait, the row has had no chance yet.
        let wasAskedEnough = row.notFoundCount >= leastNotFound
        if wasAskedEnough, (row.notFoundFor ?? .zero) >= patience.notFound { return .rejected }
        return .backoff(patience.notFoundDelay(attempts: row.attempts, random: random))
    }

    private static func of(
        _ status: Int, _ problem: MarketProblem, reply: MarketReply<CreatedChat>, backoff: RowResult.Change
    ) -> (RowResult.Change, Evidence) {
        switch status {
        case 400: return (.rejected, .answered)
        case 401: return (.deferred, .held(.authorization, for: Hold.recheck))
        case 403: return (.deferred, .forbidden)
        case 404, 405, 415: return (.deferred, .held(.misconfigured, for: Hold.recheck))
        case 420, 429: return (.deferred, isAboutParallelism(problem, reply.quota) ? .tooManyInFlight : .quotaUsedUp)
        case 423: return (.deferred, .held(.migration, for: Hold.migration))
        case 300..<400, 408, 499, 500...:
            guard let asked = reply.retryAfter, asked > .zero, case .backoff(let delay) = backoff else {
                return (backoff, .failed(retryAfter: nil))
            }
            let wait = min(asked, Hold.longestRetryAfter)
            return (.backoff(max(delay, wait)), .failed(retryAfter: wait))
        // Not documented. It is an answer, but nothing says that it will never change: keep the row.
        default: return (backoff, .odd(status: status))
        }
    }

    private static func of(_ failure: TransportFailure, backoff: RowResult.Change) -> Verdict {
        func failed(_ code: String, _ message: String, _ evidence: Evidence = .failed(retryAfter: nil)) -> Verdict {
            Verdict(change: backoff, evidence: evidence, exchange: ExchangeRecord(code: code, message: message))
        }
        return switch failure {
        case .timedOut: failed("TIMEOUT", "no answer within MARKET_REQUEST_TIMEOUT")
        case .nameNotResolved(let text): failed("NAME_NOT_RESOLVED", text, .hostIsAway)
        case .notConnected(let text): failed("NOT_CONNECTED", text, .hostIsAway)
        case .insecure(let text): failed("TLS", text, .hostIsAway)
        case .connectionLost(let text): failed("CONNECTION_LOST", text)
        case .bodyTooLarge: failed("BODY_TOO_LARGE", "the answer is longer than 512 KB")
        case .noCredentials(let text):
            Verdict(
                change: .deferred, evidence: .held(.authorization, for: Hold.recheck),
                exchange: ExchangeRecord(code: "NO_CREDENTIALS", message: text))
        case .cancelled: Verdict(change: nil, evidence: .nothing)
        }
    }

    /// Whether a 404 is about the order or the return, and not about the URL or the cabinet.
    private static func names(_ row: DueRow, businessID: Int64, _ problem: MarketProblem) -> Bool {
        guard let message = problem.message?.lowercased() else { return false }
        if message.hasPrefix("order not found") || message.hasPrefix("return not found") { return true }
        // A page of a proxy has no code; what else it says is not about the row.
        if problem.code == nil || message.contains("resource not found") { return false }
        let words = message.split { !$0.isLetter && !$0.isNumber }
        if words.contains(where: { ["order", "orderid", "return", "returnid"].contains($0) }) { return true }
        return row.contextID != businessID && words.contains { $0 == String(row.contextID) }
    }

    /// Tells the two kinds of 420 apart: by text, and where the text is new, by what remains of the quota.
    private static func isAboutParallelism(_ problem: MarketProblem, _ quota: QuotaHeaders?) -> Bool {
        let message = problem.message?.lowercased() ?? ""
        if message.contains("parallel") { return true }
        if message.contains("requests per") { return false }
        return (quota?.remaining ?? 0) > 0
    }
}
