import LibPQ

/// One transaction that writes results.
struct SettlementTransaction {
    /// Triggers that wait for the commit would fire where no `statement_timeout` ends them. In a function, since as a
    /// statement it warns in the server's log.
    private static let fireTriggersNow = PostgresStatement("DO 'BEGIN SET CONSTRAINTS ALL IMMEDIATE; END'")

    /// How long each statement may take.
    struct Bounds {
        var lock: Duration
        var statement: Duration
        /// Whether the commit waits for the disk.
        var isDurable = true

        var sql: PostgresStatement {
            PostgresStatement(
                SQLText.bounds,
                [.int64(lock.wholeMilliseconds), .int64(statement.wholeMilliseconds), .bool(isDurable)],
                isPrepared: true)
        }
    }

    /// Carries statements out in one transaction.
    let run: @Sendable ([PostgresStatement]) async throws(PostgresError) -> [PostgresRows]
    /// Whether triggers may wait for the commit.
    let hasDeferredTriggers: Bool

    /// - Parameters:
    ///   - isLeavingLocked: whether rows that somebody else has locked are left out; else they are waited for.
    ///   - before: carried out first, and `after` last.
    func write(
        _ results: [RowResult], within bounds: Bounds, isLeavingLocked: Bool, before: [PostgresStatement] = [],
        after: [PostgresStatement] = []
    ) async throws(PostgresError) -> [RowOutcome] {
        let first = [bounds.sql] + before
        let triggers = hasDeferredTriggers ? [Self.fireTriggersNow] : []
        let answers = try await run(
            first + [Self.settle(results, isLeavingLocked: isLeavingLocked)] + triggers + after)
        var written: Set<Int64> = []
        var refused: [Int64: String] = [:]
        for row in answers[first.count] {
            let id = try row.decode("id", as: Int64.self)
            if try row.decode("is_written", as: Bool.self) {
                written.insert(id)
            } else {
                refused[id] = try row.decode("is_free", as: Bool.self) ? Self.passedOver : Self.locked
            }
        }
        // The statement saw the rows as they were when it began: somebody else may have settled them meanwhile.
        let pending = refused.isEmpty ? [] : try await stillPending(Array(refused.keys))
        return results.map { result in
            if written.contains(result.rowID) { return .written }
            guard let text = refused[result.rowID], pending.contains(result.rowID) else { return .notPending }
            return .refused(error: text)
        }
    }

    private func stillPending(_ ids: [Int64]) async throws(PostgresError) -> Set<Int64> {
        let rows = try await run([PostgresStatement(SQLText.stillPending, [.int64Array(ids)])])[0]
        var pending: Set<Int64> = []
        for row in rows { pending.insert(try row.decode("id")) }
        return pending
    }

    static let passedOver =
        "the row's UPDATE was passed over: does a BEFORE trigger return NULL, or row security hide it?"
    static let locked = "the row is hidden from UPDATE by row security, or locked by another transaction"
}

// The statements.
extension SettlementTransaction {
    private static func settle(_ results: [RowResult], isLeavingLocked: Bool) -> PostgresStatement {
        PostgresStatement(
            SQLText.settle,
            [
                .int64Array(results.map(\.rowID)), .int32Array(results.map { Int32(clamping: $0.attempts) }),
                .textArray(results.map(\.change.word)), .int64Array(results.map(\.change.chatID)),
                .int64Array(results.map(\.change.delayMicroseconds)),
                .int32Array(results.map { $0.exchange?.httpStatus.map { Int32(clamping: $0) } }),
                .textArray(results.map { $0.exchange?.code.map(\.withoutNUL) }),
                .textArray(results.map { $0.exchange?.message.map(\.withoutNUL) }),
                .textArray(results.map { $0.exchange?.traceID.map(\.withoutNUL) }),
                .boolArray(results.map { $0.exchange != nil }), .bool(isLeavingLocked),
            ], isPrepared: true)
    }

    static func remember(_ records: [BusinessRecord]) -> PostgresStatement {
        PostgresStatement(
            SQLText.remember,
            [
                .int64Array(records.map(\.businessID)), .textArray(records.map { $0.hold?.reason.withoutNUL }),
                .int64Array(records.map { $0.hold?.endsIn.wholeMicroseconds }),
                .int32Array(records.map { $0.quota.map { Int32(clamping: $0.limit) } }),
                .int32Array(records.map { $0.quota.map { Int32(clamping: $0.remaining) } }),
                .int64Array(records.map { $0.quota?.resetsIn.wholeMicroseconds }),
            ], isPrepared: true)
    }
}

extension RowResult {
    /// The same, its texts without anything but ASCII; `nil` where there is no text.
    var inASCII: RowResult? {
        guard let exchange else { return nil }
        func plain(_ text: String?) -> String? {
            text.map { String($0.map { $0.isASCII ? $0 : "?" }) }
        }
        var result = self
        result.exchange = ExchangeRecord(
            httpStatus: exchange.httpStatus, code: plain(exchange.code), message: plain(exchange.message),
            traceID: plain(exchange.traceID))
        return result
    }
}

extension RowResult.Change {
    /// As in the SQL and in `attempt.verdict`.
    fileprivate var word: String {
        switch self {
        case .created: "created"
        case .rejected: "rejected"
        case .backoff: "backoff"
        case .deferred: "deferred"
        }
    }

    fileprivate var chatID: Int64? {
        if case .created(let chatID) = self { chatID } else { nil }
    }

    fileprivate var delayMicroseconds: Int64? {
        if case .backoff(let delay) = self { delay.wholeMicroseconds } else { nil }
    }
}

extension String {
    /// PostgreSQL's text has no NUL character.
    fileprivate var withoutNUL: String {
        utf8.contains(0) ? String(unicodeScalars.map { $0.value == 0 ? "\u{FFFD}" : Character($0) }) : self
    }
}
