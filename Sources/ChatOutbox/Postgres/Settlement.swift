import LibPQ

/// Writes results: all in one transaction, and where that fails, in halves and halves of halves, so that a row which
/// cannot be written is found and put off, and no neighbour waits for it.
struct Settlement {
    /// While halves are tried, nothing waits long: all other results wait behind them.
    private static let haste = PostgresStatement(
        "SELECT set_config('lock_timeout', '300', true), set_config('statement_timeout', '2000', true)")
    /// After so long, rows that are still to be tried are left for later.
    private static let longestSearch = Duration.seconds(20)
    /// Triggers that wait for the commit would fire where no `statement_timeout` ends them. In a function, since as a
    /// statement it warns in the server's log.
    private static let fireTriggersNow = PostgresStatement("DO 'BEGIN SET CONSTRAINTS ALL IMMEDIATE; END'")

    let connection: PostgresConnection
    /// Whether triggers may wait for the commit.
    let hasDeferredTriggers: Bool

    func settle(
        _ results: [RowResult], remembering records: [BusinessRecord]
    ) async throws(OutboxError) -> [RowOutcome] {
        let memory = records.isEmpty ? [] : [Self.remember(records)]
        do {
            return try await write(results[...], with: memory)
        } catch {
            guard error.isOfTheTransaction else { throw OutboxError(error) }
        }
        // By itself: it has nothing to do with the row that failed, and is no result. The next settlement tries again.
        if !memory.isEmpty {
            _ = try await attempt { () async throws(PostgresError) in
                try await connection.pipeline([Self.haste] + memory)
            }
        }
        return try await settleInHalves(results)
    }

    private func settleInHalves(_ results: [RowResult]) async throws(OutboxError) -> [RowOutcome] {
        let end = ContinuousClock.now + Self.longestSearch
        var outcomes: [RowOutcome] = []
        var isAnyWritten = false
        var parts = [results[...]]
        while let part = parts.popLast() {
            if ContinuousClock.now > end {
                let text = "the search for the results that this database refuses took too long"
                outcomes += part.map { _ in .refused(error: text, isPutOff: false) }
                continue
            }
            switch try await attempt({ () async throws(PostgresError) in
                try await write(part, with: [], isHasty: true)
            }) {
            case .success(let written):
                outcomes += written
                isAnyWritten = true
            case .failure where part.count > 1:
                let middle = part.startIndex + part.count / 2
                parts += [part[middle...], part[..<middle]]
            case .failure(let error):
                guard let only = part.first else { continue }
                let outcome = try await refuse(only, error, isServerWell: isAnyWritten)
                if case .refused(_, isPutOff: true) = outcome { isAnyWritten = true }
                outcomes.append(outcome)
            }
        }
        return outcomes
    }

    /// Runs `body`; gives back an error that is of what it wrote, and throws one that is of the session.
    private func attempt<Value>(
        _ body: () async throws(PostgresError) -> Value
    ) async throws(OutboxError) -> Result<Value, PostgresError> {
        do {
            return .success(try await body())
        } catch {
            guard error.isOfTheTransaction else { throw OutboxError(error) }
            return .failure(error)
        }
    }

    private func write(
        _ results: ArraySlice<RowResult>, with memory: [PostgresStatement], isHasty: Bool = false
    ) async throws(PostgresError) -> [RowOutcome] {
        let before = isHasty ? [Self.haste] : []
        let after = hasDeferredTriggers ? [Self.fireTriggersNow] : []
        let answers = try await connection.pipeline(before + [Self.statement(for: results)] + after + memory)
        var written: Set<Int64> = []
        var passedOver: [Int64] = []
        for row in answers[before.count] {
            let id = try row.decode("id", as: Int64.self)
            if try row.decode("is_written", as: Bool.self) { written.insert(id) } else { passedOver.append(id) }
        }
        let pending = passedOver.isEmpty ? [] : try await stillPending(passedOver)
        return results.map { result in
            if written.contains(result.rowID) { return .written }
            return pending.contains(result.rowID) ? .refused(error: Self.passedOver, isPutOff: false) : .notPending
        }
    }

    /// The statement saw the rows as they were when it began: somebody else may have settled them meanwhile.
    private func stillPending(_ ids: [Int64]) async throws(PostgresError) -> Set<Int64> {
        let rows = try await connection.query(PostgresStatement(SQLText.stillPending, [.int64Array(ids)]))
        var pending: Set<Int64> = []
        for row in rows { pending.insert(try row.decode("id")) }
        return pending
    }

    private static let passedOver =
        "the row's UPDATE was passed over: does a BEFORE trigger return NULL, or row security hide it?"

    /// One row cannot be written. Its text may be why: then it is written without what the database has no letters for.
    ///
    /// - Parameter isServerWell: whether others could be written. If not, and the row cannot be put off either, the
    ///   trouble may be the server's own, such as a full disk: then nothing is known of the row.
    private func refuse(
        _ result: RowResult, _ error: PostgresError, isServerWell: Bool
    ) async throws(OutboxError) -> RowOutcome {
        if error.sqlState == .untranslatableCharacter, let plain = result.inASCII,
            case .success(let outcomes) = try await attempt({ () async throws(PostgresError) in
                try await write([plain], with: [], isHasty: true)
            })
        {
            return outcomes[0]
        }
        switch try await attempt({ () async throws(PostgresError) in try await putOff(result, for: error) }) {
        case .success(let isPutOff): return .refused(error: error.message, isPutOff: isPutOff)
        case .failure(let second):
            if !isServerWell, second.isOfTheServer { throw .unavailable(second.message) }
            return .refused(error: error.message, isPutOff: false)
        }
    }

    private func putOff(_ result: RowResult, for error: PostgresError) async throws(PostgresError) -> Bool {
        let text = error.server.map { "\($0.message)\($0.detail.map { " (\($0))" } ?? "")" } ?? error.message
        let statement = PostgresStatement(
            SQLText.putOff,
            [
                .int64(result.rowID), .int32(Int32(clamping: result.attempts)),
                .int64(result.putOffIfRefused.wholeMicroseconds), .text(error.sqlState?.rawValue),
                .text(String(text.prefix(1000))),
            ])
        return try await connection.pipeline([Self.haste, statement])[1].affectedRows > 0
    }
}

extension PostgresError {
    /// Whether the server refused what the transaction did, and the session goes on. A server that became read-only goes on
    /// too, and yet takes nothing.
    fileprivate var isOfTheTransaction: Bool {
        kind == .server && !isConnectionLost && sqlState != .readOnlyTransaction
    }

    /// Insufficient resources, operator intervention and system errors.
    fileprivate var isOfTheServer: Bool {
        ["53", "57", "58", "F0", "XX"].contains(sqlState?.classCode) && sqlState != .queryCanceled
    }
}
