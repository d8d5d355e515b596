import ChatOutbox
import Logging
import MarketAPI
import Synchronization

/// What the journal hears of one business: constant messages, with values as metadata.
struct BusinessLog: Sendable {
    private let logger: Logger
    /// Of what repeats itself, once for each time that the business is owned.
    private let hasLogged = Once()

    private final class Once: Sendable {
        let producers = Mutex(false)
    }

    init(businessID: Int64, logger: Logger) {
        var logger = logger
        logger[metadataKey: "business.id"] = "\(businessID)"
        self.logger = logger
    }

    func statementFailed(_ text: String) {
        logger.warning("A look at the outbox failed; tried again soon", metadata: ["error.message": "\(text)"])
    }

    func producersAreNotWatched(_ text: String) {
        let isFirst = hasLogged.producers.withLock { hasLogged in
            defer { hasLogged = true }
            return !hasLogged
        }
        guard isFirst, !Task.isCancelled else { return }
        logger.warning(
            "Producers' open transactions cannot be waited for; rows may be noticed a second late",
            metadata: ["error.message": "\(text)"])
    }

    func write(_ entry: LogEntry) {
        switch entry {
        case .owned(let isPaused):
            hasLogged.producers.withLock { $0 = false }
            logger.notice("Business owned", metadata: ["paused": "\(isPaused)"])
        case .disowned: logger.notice("Business no longer owned")
        case .ownedElsewhere: logger.notice("Another instance owns the business, and settles its rows")
        case .paused(let isPaused): logger.notice(isPaused ? "Business paused" : "Business resumed")
        case .requested(let row): logger.debug("Chat requested", metadata: metadata(of: row))
        case .concluded(let row, let change, let exchange): conclude(row, change, exchange)
        case .created(let row, let chatID):
            var details = metadata(of: row)
            details["chat.id"] = "\(chatID)"
            logger.info("Chat created", metadata: details)
        case .settledByOther(let row): logger.debug("Row settled by somebody else", metadata: metadata(of: row))
        case .writeRefused(let row, let error):
            logger.error(
                """
                Database refused the result: mend the trigger or lock that the error names; the answer is kept, and \
                written again
                """, metadata: metadata(of: row, error: error))
        case .writeAbandoned(let row, let error):
            logger.warning(
                "Result not written; the call is made again at the next start",
                metadata: metadata(of: row, error: error))
        case .held(let hold, let time): held(hold, for: time)
        case .released: logger.notice("Business no longer held")
        case .circuitOpened(let kind):
            logger.warning(
                "Market fails: circuit open, one request at a time asks whether it is well again",
                metadata: ["context.type": "\(kind.rawValue)"])
        case .circuitClosed(let kind):
            logger.notice(
                "Market answers again: circuit closed", metadata: ["context.type": "\(kind.rawValue)"])
        case .quotaUsedUp(let limit, let time):
            logger.notice(
                "Quota used up: the rest goes when the window ends",
                metadata: ["quota.limit": "\(limit)", "hold.for": "\(time.forPeople)"])
        case .databaseIsFull(let count):
            logger.error(
                "Business held: the database refuses its results; nothing more is asked for until they are written",
                metadata: ["results": "\(count)"])
        }
    }

    private func metadata(of row: DueRow, error: String? = nil) -> Logger.Metadata {
        var details: Logger.Metadata = [
            "outbox.id": "\(row.id)",
            row.contextType == ChatContext.Kind.return.rawValue ? "return.id" : "order.id": "\(row.contextID)",
        ]
        if let error { details["error.message"] = "\(error)" }
        return details
    }

    private func conclude(_ row: DueRow, _ change: RowResult.Change, _ exchange: ExchangeRecord?) {
        var details = metadata(of: row)
        if let exchange {
            details["http.status"] = exchange.httpStatus.map { "\($0)" }
            details["error.code"] = exchange.code.map { "\($0)" }
            details["error.message"] = exchange.message.map { "\($0)" }
            details["trace.id"] = exchange.traceID.map { "\($0)" }
        }
        switch change {
        case .created: break
        case .rejected: logger.warning("Row rejected: the Market will not create this chat", metadata: details)
        case .backoff(let delay):
            details["retry.in"] = "\(delay.forPeople)"
            details["attempts"] = "\(row.attempts + 1)"
            logger.warning("Row put off", metadata: details)
        case .deferred: logger.warning("Row stays due", metadata: details)
        }
    }

    private func held(_ hold: Hold, for time: Duration) {
        let details: Logger.Metadata = ["hold.reason": "\(hold.reason)", "hold.for": "\(time.forPeople)"]
        switch hold.kind {
        case .authorization:
            logger.error(
                "Business held: check MARKET_API_KEY, its scopes and its cabinet; one row is tried every 5 minutes",
                metadata: details)
        case .misconfigured:
            logger.error("Business held: check MARKET_API_URL; one row is tried every 5 minutes", metadata: details)
        case .migration, .quota, .overloaded, .database, .circuit:
            logger.warning("Business held", metadata: details)
        }
    }
}

extension Duration {
    /// `250 ms`, `1.4 s`, `75 s`, `15 min`, `2 h 5 min`.
    fileprivate var forPeople: String {
        let milliseconds = max(self / .milliseconds(1), 0).rounded()
        switch milliseconds {
        case ..<1000: return "\(Int(milliseconds)) ms"
        case ..<10_000: return "\((milliseconds / 100).rounded() / 10) s"
        case ..<120_000: return "\(Int((milliseconds / 1000).rounded())) s"
        default:
            let minutes = Int((milliseconds / 60_000).rounded())
            let hours = minutes / 60
            if hours == 0 { return "\(minutes) min" }
            return minutes % 60 == 0 ? "\(hours) h" : "\(hours) h \(minutes % 60) min"
        }
    }
}
