import ChatOutbox
import Logging
import MarketAPI
import Synchronization

/// One row's way: from the request to its result in the database.
extension BusinessWorker {
    /// Sends one row and settles it.
    func exchange(_ row: DueRow, isProbe: Bool) async {
        let result: RowResult?
        if let kind = ChatContext.Kind(rawValue: row.contextType) {
            logger.debug("Chat requested", metadata: metadata(of: row))
            let context = ChatContext(kind: kind, id: row.contextID)
            let reply = await market.createChat(CreateChatRequest(businessID: businessID, subject: .context(context)))
            result = conclude(row, reply, wasProbe: isProbe)
        } else {
            result = rejectUnknownType(row)
        }
        guard let result else { return }
        let outcome = await settler.settle(result, of: self)
        settled(row, result, outcome)
    }

    /// Makes up one's mind about an answer. From here on the row is not in flight but unsettled.
    private func conclude(_ row: DueRow, _ reply: MarketReply<CreatedChat>, wasProbe: Bool) -> RowResult? {
        let configuration = context.configuration
        let now = context.clock.now
        let verdict = Verdict.of(reply, row: row, notFoundPatience: configuration.notFoundPatience)
        let holdBefore = gate.hold
        let circuitWasOpen = gate.isCircuitOpen
        let fate = gate.learn(verdict, from: reply, wasProbe: wasProbe, now: now, random: context.random)
        inFlight.remove(row.id)
        counters.requests += reply.tries
        if case .quotaUsedUp = verdict.business { counters.quotaRefusals += 1 }
        if case .tooManyInFlight = verdict.business { counters.parallelRefusals += 1 }
        tellChanges(from: holdBefore, circuitWasOpen: circuitWasOpen, verdict)
        if holdBefore != nil && gate.hold == nil || circuitWasOpen && !gate.isCircuitOpen { queue.reopened(now: now) }
        if fate == .deferred { suspect(row, verdict, wasProbe: wasProbe, now: now) }
        let backoff = Backoff(base: configuration.retryBase, max: configuration.retryMax)
        let delay = backoff.delay(attempts: row.attempts, chance: context.random.next())
        doorbell.ring()
        guard let change = change(fate, delay: delay) else {
            queue.mustRead()
            return nil
        }
        queue.unsettled.insert(row.id)
        let exchange = change.isSuccess ? nil : verdict.exchange
        tell(row, change, verdict)
        return RowResult(
            rowID: row.id, attempts: row.attempts, change: change, exchange: exchange, putOffIfRefused: delay)
    }

    private func change(_ fate: Verdict.Row, delay: Duration) -> RowResult.Change? {
        switch fate {
        case .created(let chatID): .created(chatID: chatID)
        case .rejected: .rejected
        case .backoff(let atLeast): .backoff(max(delay, atLeast))
        case .deferred: .deferred
        case .untouched: nil
        }
    }

    /// A row that may itself be why the business is held goes to the back, so that another one is the next probe.
    private func suspect(_ row: DueRow, _ verdict: Verdict, wasProbe: Bool, now: Moment) {
        let holdEnd = gate.hold?.until ?? now
        switch verdict.business {
        case .held(let kind, _) where kind.needsPerson && !wasProbe: queue.strike(row.id, holdEnd: holdEnd)
        case .held, .failed, .overloaded: queue.letOthersProbe(row.id, holdEnd: holdEnd)
        case .answered, .quotaUsedUp, .tooManyInFlight, .nothing: break
        }
    }

    private func rejectUnknownType(_ row: DueRow) -> RowResult {
        inFlight.remove(row.id)
        queue.unsettled.insert(row.id)
        let text = "context_type must be ORDER or RETURN"
        return RowResult(
            rowID: row.id, attempts: row.attempts, change: .rejected,
            exchange: ExchangeRecord(code: "UNKNOWN_CONTEXT_TYPE", message: text),
            putOffIfRefused: context.configuration.retryMax)
    }

    /// The database has spoken; `nil`: it was not asked, since the engine ends.
    private func settled(_ row: DueRow, _ result: RowResult, _ outcome: RowOutcome?) {
        let now = context.clock.now
        defer { doorbell.ring() }
        switch outcome {
        case .written:
            queue.settled(row, change: result.change, now: now)
            count(result.change)
            if result.change != .deferred { board.withLock { $0.settledOne() } }
            if case .created(let chatID) = result.change {
                var details = metadata(of: row)
                details["chat.id"] = "\(chatID)"
                logger.info("Chat created", metadata: details)
            }
        case .notPending:
            queue.isNotOurs(row)
            logger.debug("Row settled by somebody else", metadata: metadata(of: row))
        case .refused(let error, let isPutOff):
            counters.refusals += 1
            tellRefusal(row, error)
            let until = now + result.putOffIfRefused
            if isPutOff { queue.putOff(row, until: until) } else { queue.leaveAlone(row, until: until) }
            if queue.shelfIsFull { gate.holdForDatabase(error, now: now) }
        case nil:
            queue.isNotOurs(row)
        }
    }

    private func tellRefusal(_ row: DueRow, _ error: String) {
        var details = metadata(of: row)
        details["error.message"] = "\(error)"
        logger.error(
            "Database refused the result: mend the trigger or lock that the error names; the row is tried again",
            metadata: details)
    }

    private func count(_ change: RowResult.Change) {
        switch change {
        case .created: counters.created += 1
        case .rejected: counters.rejected += 1
        case .backoff: counters.backoffs += 1
        case .deferred: counters.deferred += 1
        }
    }
}

// What the journal hears.
extension BusinessWorker {
    private func metadata(of row: DueRow) -> Logger.Metadata {
        [
            "outbox.id": "\(row.id)",
            row.contextType == ChatContext.Kind.return.rawValue ? "return.id" : "order.id": "\(row.contextID)",
        ]
    }

    private func tell(_ row: DueRow, _ change: RowResult.Change, _ verdict: Verdict) {
        var details = metadata(of: row)
        if let exchange = verdict.exchange {
            details["http.status"] = exchange.httpStatus.map { "\($0)" }
            details["error.code"] = exchange.code.map { "\($0)" }
            details["error.message"] = exchange.message.map { "\($0)" }
            details["trace.id"] = exchange.traceID.map { "\($0)" }
        }
        switch change {
        case .created: break
        case .rejected: logger.warning("Row rejected: the Market will not create this chat", metadata: details)
        case .backoff(let delay):
            details["retry.in"] = "\(delay)"
            details["attempts"] = "\(row.attempts + 1)"
            logger.warning("Row put off", metadata: details)
        case .deferred: logger.warning("Row stays due", metadata: details)
        }
    }

    private func tellChanges(from before: BusinessGate.ActiveHold?, circuitWasOpen: Bool, _ verdict: Verdict) {
        if let hold = gate.hold, hold != before {
            let details: Logger.Metadata = [
                "hold.reason": "\(hold.reason)", "hold.for": "\(hold.until - context.clock.now)",
            ]
            switch hold.kind {
            case .authorization:
                logger.error(
                    "Business held: check MARKET_API_KEY, its scopes and its cabinet; one row is tried every 5 minutes",
                    metadata: details)
            case .misconfigured:
                logger.error(
                    "Business held: check MARKET_API_URL; one row is tried every 5 minutes", metadata: details)
            case .migration, .quota, .overloaded, .database:
                logger.warning("Business held", metadata: details)
            }
        } else if before != nil, gate.hold == nil {
            logger.notice("Business no longer held")
        }
        if gate.isCircuitOpen != circuitWasOpen {
            if circuitWasOpen {
                logger.notice("Market answers again: circuit closed")
            } else {
                logger.warning("Market fails: circuit open, one request at a time asks whether it is well again")
            }
        }
    }
}

extension RowResult.Change {
    var isSuccess: Bool {
        if case .created = self { true } else { false }
    }
}
