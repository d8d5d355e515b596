import LibPQ

/// Writes results: all in one transaction, and where that fails, in halves and halves of halves, so that a row which
/// cannot be written is found and put off, and no neighbour waits for it.
struct Settlement {
    /// While halves are tried, nothing waits long: all other results wait behind them.
    private static let patience = [
        PostgresStatement(
            "SELECT set_config('lock_timeout', '100', true), set_config('statement_timeout', '2000', true)")
    ]

    let connection: PostgresConnection

    func settle(
        _ results: [RowResult], remembering records: [BusinessRecord]
    ) async throws(OutboxError) -> [RowOutcome] {
        let memory = records.isEmpty ? [] : [Self.remember(records)]
        do {
            return try await write(results[...], with: memory, patience: [])
        } catch {
            try Self.throwUnlessOfARow(error)
        }
        return try await settleInHalves(results, with: memory)
    }

    private func settleInHalves(
        _ results: [RowResult], with memory: [PostgresStatement]
    ) async throws(OutboxError) -> [RowOutcome] {
        // Written by itself: it has nothing to do with the row that failed.
        _ = try await OutboxError.catching { () async throws(PostgresError) in try await connection.pipeline(memory) }
        var outcomes: [RowOutcome] = []
        var parts = [results[...]]
        while let part = parts.popLast() {
            do {
                outcomes += try await write(part, with: [], patience: Self.patience)
            } catch {
                try Self.throwUnlessOfARow(error)
                if part.count > 1 {
                    let middle = part.startIndex + part.count / 2
                    parts += [part[middle...], part[..<middle]]
                } else if let only = part.first {
                    outcomes.append(try await refuse(only, error))
                }
            }
        }
        return outcomes
    }

    /// Whether the transaction failed for what is in it. What is wrong with the server or the session is thrown: then
    /// nothing is known of any row.
    private static func throwUnlessOfARow(_ error: PostgresError) throws(OutboxError) {
        guard error.kind == .server, !error.isConnectionLost, let state = error.sqlState else {
            throw OutboxError(error)
        }
        // Insufficient resources, operator intervention (but for the time limit) and system errors.
        let isOfTheServer = ["53", "57", "58", "F0", "XX"].contains(state.classCode) && state != .queryCanceled
        if isOfTheServer || state == .readOnlyTransaction { throw .unavailable(error.message) }
    }

    private func write(
        _ results: ArraySlice<RowResult>, with memory: [PostgresStatement], patience: [PostgresStatement]
    ) async throws(PostgresError) -> [RowOutcome] {
        let answers = try await connection.pipeline(patience + [Self.statement(for: results)] + memory)
        var written: Set<Int64> = []
        for row in answers[patience.count] { written.insert(try row.decode("id")) }
        return results.map { written.contains($0.rowID) ? .written : .notPending }
    }

    /// One row cannot be written. Its text may be why: then it is written without what the database has no letters for.
    private func refuse(_ result: RowResult, _ error: PostgresError) async throws(OutboxError) -> RowOutcome {
        if error.sqlState == .untranslatableCharacter, let plain = result.inASCII {
            do {
                return try await write([plain], with: [], patience: Self.patience)[0]
            } catch {
                try Self.throwUnlessOfARow(error)
            }
        }
        let text = error.server.map { "\($0.message)\($0.detail.map { " (\($0))" } ?? "")" } ?? error.message
        let putOff = PostgresStatement(
            SQLText.putOff,
            [
                .int64(result.rowID), .int32(Int32(clamping: result.attempts)),
                .int64(result.putOffIfRefused.wholeMicroseconds), .text(error.sqlState?.rawValue),
                .text(String(text.prefix(1000))),
            ])
        do {
            let isPutOff = try await connection.pipeline(Self.patience + [putOff])[1].affectedRows > 0
            return isPutOff ? .refused(error: error.message, isPutOff: true) : .notPending
        } catch let second {
            try Self.throwUnlessOfARow(second)
            return .refused(error: error.message, isPutOff: false)
        }
    }
}

// The statements.
extension Settlement {
    private static func statement(for results: ArraySlice<RowResult>) -> PostgresStatement {
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
                .boolArray(results.map { $0.exchange != nil }),
            ], isPrepared: true)
    }

    private static func remember(_ records: [BusinessRecord]) -> PostgresStatement {
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
    fileprivate var inASCII: RowResult? {
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
