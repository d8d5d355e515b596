import LibPQ

// The statements.
extension Settlement {
    static func statement(for results: ArraySlice<RowResult>) -> PostgresStatement {
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
