import ChatOutbox
import ChatSync
import MarketAPI

/// What the last exchange of a row means: the daemon's own verdict on it, asked again.
enum LastAnswer: Sendable, Equatable {
    case verdict(Verdict.Evidence, isRejection: Bool)
    /// This database did not take the result.
    case resultRefused
    /// Of a version that we do not know.
    case unknown

    /// - Parameter patience: as the daemon has it.
    init(_ exchange: RowStory.Exchange, of story: RowStory, patience: Verdict.Patience) {
        if exchange.verdict == "refused" {
            self = .resultRefused
            return
        }
        guard let answer = Self.answer(exchange) else {
            self = .unknown
            return
        }
        let row = DueRow(
            id: story.id, contextType: story.contextType, contextID: story.contextID, attempts: story.attempts,
            notFoundFor: story.notFoundFor, notFoundCount: story.exchanges.count { $0.httpStatus == 404 })
        let verdict = Verdict.of(
            MarketReply(answer: answer), row: row, businessID: story.businessID, patience: patience, random: 0)
        // What was written is the truth: the patience may have been another one then.
        self = .verdict(verdict.evidence, isRejection: exchange.verdict == "rejected")
    }

    /// The answer that was told of so.
    private static func answer(_ exchange: RowStory.Exchange) -> MarketAnswer<CreatedChat>? {
        let text = exchange.message ?? ""
        if let status = exchange.httpStatus {
            if exchange.code == "UNUSABLE_ANSWER" { return .malformed(status: status, reason: text) }
            return .httpError(status: status, problem: MarketProblem(code: exchange.code, message: exchange.message))
        }
        switch exchange.code {
        case "TIMEOUT"?: return .failed(.timedOut)
        case "NAME_NOT_RESOLVED"?: return .failed(.nameNotResolved(text))
        case "NOT_CONNECTED"?: return .failed(.notConnected(text))
        case "TLS"?: return .failed(.insecure(text))
        case "CONNECTION_LOST"?: return .failed(.connectionLost(text))
        case "BODY_TOO_LARGE"?: return .failed(.bodyTooLarge)
        case "NO_CREDENTIALS"?: return .failed(.noCredentials(text))
        default: return nil
        }
    }
}

extension Verdict.Patience {
    /// As the daemon has it, if it is configured by the same environment; a mistake there counts as the default.
    init(environment: [String: String]) {
        var values = ConfigurationValues(environment: environment)
        let (shortest, longest) = (Duration.zero, Duration.seconds(30 * 86_400))
        self.init(
            backoff: Backoff(
                base: values.duration(.retryBase, in: shortest...longest),
                max: values.duration(.retryMax, in: shortest...longest)),
            notFound: values.duration(.notFoundPatience, in: shortest...longest))
    }
}
