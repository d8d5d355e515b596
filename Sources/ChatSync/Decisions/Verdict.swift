public import ChatOutbox
public import MarketAPI

/// What one answer of the Market means, for its row and for its business: the table "what each answer does".
public struct Verdict: Sendable, Equatable {
    public var row: Row
    public var business: Business
    /// For `market_chat.attempt`; `nil` where there is nothing to tell.
    public var exchange: ExchangeRecord?

    /// What becomes of the row.
    public enum Row: Sendable, Equatable {
        case created(chatID: Int64)
        case rejected
        /// One attempt is burned, and the row is tried again later; not before `atLeast`, where the server asked for it.
        case backoff(atLeast: Duration)
        /// Stays due, no attempt burned.
        case deferred
        /// As if nothing had been sent.
        case untouched
    }

    /// What it says of the business.
    public enum Business: Sendable, Equatable {
        /// The Market is in its right mind.
        case answered
        /// The Market is sick.
        case failed
        /// The Market is sick, and says for how long not to ask.
        case overloaded(for: Duration)
        /// Nothing is to be sent for a while, then one row.
        case held(Hold, for: Duration)
        case quotaUsedUp
        case tooManyInFlight
        case nothing
    }

    /// Why nothing is sent. The raw value begins `business.hold_reason`.
    public enum Hold: String, Sendable, CaseIterable {
        /// 401, 403, or no key: a person must act.
        case authorization
        /// A wrong URL or version: a person must act.
        case misconfigured
        /// 423: the vendor moves the cabinet.
        case migration
        /// 420: the quota is used up.
        case quota
        /// The server said `Retry-After`.
        case overloaded
        /// The seller's database refuses too many results.
        case database

        /// Whether it ends only when a person does something.
        public var needsPerson: Bool { self == .authorization || self == .misconfigured }
        /// Whether a former owner's hold binds its successor too. Where a person must act, a start is the time to look
        /// whether it was done.
        var outlivesOwner: Bool { !needsPerson && self != .database }
    }

    static let recheck = Duration.seconds(300)
    static let migrationHold = Duration.seconds(900)
    static let longestRetryAfter = Duration.seconds(3600)
}

extension Verdict {
    /// - Parameters:
    ///   - reply: the answer to this row's request.
    ///   - row: as it was read.
    ///   - patience: how long a 404 that names the row is believed to pass.
    public static func of(_ reply: MarketReply<CreatedChat>, row: DueRow, notFoundPatience patience: Duration)
        -> Verdict
    {
        var verdict =
            switch reply.answer {
            case .ok(let chat): Verdict(row: .created(chatID: chat.chatID), business: .answered)
            case .unusable(let status, let reason):
                Verdict(
                    row: .backoff(atLeast: .zero), business: .failed,
                    exchange: ExchangeRecord(httpStatus: status, code: "UNUSABLE_ANSWER", message: reason))
            case .refused(let status, let problem):
                ofRefusal(status, problem, reply: reply, row: row, patience: patience)
            case .failed(let failure): of(failure)
            }
        verdict.exchange?.traceID = reply.traceID
        return verdict
    }

    private static func ofRefusal(
        _ status: Int, _ problem: MarketProblem, reply: MarketReply<CreatedChat>, row: DueRow, patience: Duration
    ) -> Verdict {
        let (fate, business): (Row, Business) =
            switch status {
            case 400: (.rejected, .answered)
            case 401, 403: (.deferred, .held(.authorization, for: recheck))
            case 404 where names(row, problem):
                ((row.notFoundFor ?? .zero) >= patience ? .rejected : .backoff(atLeast: .zero), .answered)
            case 404, 405, 415: (.deferred, .held(.misconfigured, for: recheck))
            case 420, 429: (.deferred, isAboutParallelism(problem, reply.quota) ? .tooManyInFlight : .quotaUsedUp)
            case 423: (.deferred, .held(.migration, for: migrationHold))
            case 300..<400, 408, 499, 500...:
                if let wait = reply.retryAfter, wait > .zero {
                    (
                        .backoff(atLeast: min(wait, longestRetryAfter)),
                        .overloaded(for: min(wait, longestRetryAfter))
                    )
                } else {
                    (.backoff(atLeast: .zero), .failed)
                }
            // Not documented. It is an answer, but nothing says that it will never change: keep the row.
            default: (.backoff(atLeast: .zero), .answered)
            }
        let exchange = ExchangeRecord(httpStatus: status, code: problem.code, message: problem.message)
        return Verdict(row: fate, business: business, exchange: exchange)
    }

    private static func of(_ failure: TransportFailure) -> Verdict {
        func failed(_ code: String, _ message: String) -> Verdict {
            Verdict(
                row: .backoff(atLeast: .zero), business: .failed,
                exchange: ExchangeRecord(code: code, message: message))
        }
        return switch failure {
        case .timedOut: failed("TIMEOUT", "no answer within MARKET_REQUEST_TIMEOUT")
        case .nameNotResolved(let text): failed("NAME_NOT_RESOLVED", text)
        case .notConnected(let text): failed("NOT_CONNECTED", text)
        case .insecure(let text): failed("TLS", text)
        case .connectionLost(let text): failed("CONNECTION_LOST", text)
        case .bodyTooLarge: failed("BODY_TOO_LARGE", "the answer is longer than 512 KB")
        case .noCredentials(let text):
            Verdict(
                row: .deferred, business: .held(.authorization, for: recheck),
                exchange: ExchangeRecord(code: "NO_CREDENTIALS", message: text))
        case .cancelled: Verdict(row: .untouched, business: .nothing)
        }
    }

    /// Whether a 404 is about the order or the return, and not about the URL.
    private static func names(_ row: DueRow, _ problem: MarketProblem) -> Bool {
        guard let message = problem.message?.lowercased() else { return false }
        if message.hasPrefix("order not found") || message.hasPrefix("return not found") { return true }
        // A page of a proxy has no code; what else it says is not about the row.
        if problem.code == nil || message.contains("resource not found") { return false }
        return ["order", "return", String(row.contextID)].contains { message.contains($0) }
    }

    /// Tells the two kinds of 420 apart: by text, and where the text is new, by what remains of the quota.
    private static func isAboutParallelism(_ problem: MarketProblem, _ quota: QuotaHeaders?) -> Bool {
        let message = problem.message?.lowercased() ?? ""
        if message.contains("parallel") { return true }
        if message.contains("requests per") { return false }
        return (quota?.remaining ?? 0) > 0
    }
}
