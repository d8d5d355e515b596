import LibPQ

/// Writes results that the session could not write at once, on connections beside it, with more patience.
///
/// All results of a business go in one transaction; what is refused then goes each for itself. Each transaction takes its
/// turn for a connection, so that businesses share them evenly.
struct ApartSettlement {
    /// All of a business's rows, and what the user's triggers lock for them, stay locked for as long as this takes.
    private static let together = SettlementTransaction.Bounds(lock: .milliseconds(20), statement: .milliseconds(60))
    /// A slow trigger has its time; whoever waits for a lock may hold one that a producer wants.
    private static let bounds = SettlementTransaction.Bounds(
        lock: .milliseconds(40), statement: PostgresOutbox.statementTimeout)
    /// So long after its beginning a business's results that were not tried by themselves are given back.
    private static let longest = Duration.seconds(10)
    /// Characters of what is noted beside a row.
    private static let longestNote = 1000
    private static let noTime = "not tried by itself yet: the results before it took too long"

    let writers: SideConnections
    let hasDeferredTriggers: Bool

    /// What became of one row, and whether that says something of the server.
    private struct Finding {
        var outcome: RowOutcome
        /// The server's own trouble, it seems, such as a full disk: nothing is known of the row.
        var trouble: String?
    }

    func settle(_ results: [RowResult]) async throws(OutboxError) -> [RowOutcome] {
        let parts = Dictionary(grouping: results.indices) { results[$0].businessID }.values
        let findings = await withTaskGroup(of: Result<[(Int, Finding)], OutboxError>.self) { group in
            for part in parts {
                group.addTask { await self.settle(part.map { ($0, results[$0]) }) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var ordered: [Int: Finding] = [:]
        for finding in findings {
            for (index, found) in try finding.get() { ordered[index] = found }
        }
        let found = results.indices.compactMap { ordered[$0] }
        // Where the server took anything, or said before that the row is at fault, it is well.
        if !found.isEmpty, found.allSatisfy({ $0.trouble != nil }), let text = found.first?.trouble {
            throw .failed(text)
        }
        return found.map(\.outcome)
    }

    /// One business's results.
    private func settle(_ results: [(index: Int, result: RowResult)]) async -> Result<[(Int, Finding)], OutboxError> {
        let end = ContinuousClock.now + Self.longest
        do throws(OutboxError) {
            var findings: [(Int, Finding)] = []
            var rest = results
            if results.count > 1 {
                let together = try await write(results.map(\.result))
                if case .success(let outcomes) = together {
                    for (entry, outcome) in zip(results, outcomes) where !outcome.isRefused {
                        findings.append((entry.index, Finding(outcome: outcome)))
                    }
                    rest = zip(results, outcomes).filter(\.1.isRefused).map(\.0)
                }
            }
            // First those that have not had a turn of their own.
            let isTried = { (result: RowResult) in result.refusal.map { $0 != Self.noTime } ?? false }
            rest = rest.filter { !isTried($0.result) } + rest.filter { isTried($0.result) }
            for (index, result) in rest {
                let isTime = ContinuousClock.now < end
                let finding =
                    isTime ? try await settleOne(result) : Finding(outcome: .refused(error: Self.noTime))
                findings.append((index, finding))
            }
            return .success(findings)
        } catch {
            return .failure(error)
        }
    }

    private func settleOne(_ result: RowResult) async throws(OutboxError) -> Finding {
        switch try await write([result], waitingFor: result.rowID) {
        case .success(let outcomes):
            guard case .refused = outcomes[0] else { return Finding(outcome: outcomes[0]) }
            // It was waited for, so nobody has locked it.
            let text = SettlementTransaction.passedOver
            _ = try await note(text, state: nil, of: result)
            return Finding(outcome: .refused(error: text))
        case .failure(let error):
            // Its text may be why: then it is written without what the database has no letters for.
            if error.sqlState == .untranslatableCharacter, let plain = result.inASCII,
                case .success(let outcomes) = try await write([plain], waitingFor: result.rowID)
            {
                return Finding(outcome: outcomes[0])
            }
            let text = error.server?.text(limit: Self.longestNote) ?? error.message
            let isNoted = try await note(text, state: error.sqlState, of: result)
            return Finding(
                outcome: .refused(error: error.advised), trouble: error.isOfTheServer && !isNoted ? error.message : nil)
        }
    }

    /// - Parameter rowID: of a row that is waited for; without it, rows that somebody has locked are left out.
    private func write(
        _ results: [RowResult], waitingFor rowID: Int64? = nil
    ) async throws(OutboxError) -> Result<[RowOutcome], PostgresError> {
        let writers = writers
        let transaction = SettlementTransaction(
            run: { statements async throws(PostgresError) in try await writers.transaction(statements) },
            hasDeferredTriggers: hasDeferredTriggers)
        let wait = rowID.map { [PostgresStatement(SQLText.lockRow, [.int64($0)], isPrepared: true)] } ?? []
        return try await attempt { () async throws(PostgresError) in
            try await transaction.write(
                results, within: rowID == nil ? Self.together : Self.bounds, isLeavingLocked: true, before: wait)
        }
    }

    /// Returns whether the row says so now.
    private func note(_ text: String, state: SQLState?, of result: RowResult) async throws(OutboxError) -> Bool {
        let statement = PostgresStatement(
            SQLText.noteRefusal,
            [.int64(result.rowID), .text(state?.rawValue), .text(String(text.prefix(Self.longestNote)))],
            isPrepared: true)
        let answer = try await attempt { () async throws(PostgresError) in
            let answers = try await writers.transaction([Self.bounds.sql, statement])
            return try answers[1][0].decode("is_noted", as: Bool.self)
        }
        return (try? answer.get()) ?? false
    }

    /// Takes a turn and runs `body`; gives back an error that is of what it wrote. All others are of these connections, and
    /// the session may be well.
    private func attempt<Value>(
        _ body: () async throws(PostgresError) -> Value
    ) async throws(OutboxError) -> Result<Value, PostgresError> {
        guard await writers.takeTurn(until: .now + Self.longest) else {
            throw .failed("all connections write for others")
        }
        let result: Result<Value, PostgresError>
        do throws(PostgresError) {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        await writers.passTurn()
        guard case .failure(let error) = result, !error.isOfTheStatement else { return result }
        throw error.sqlState == .readOnlyTransaction ? .unavailable(error.message) : .failed(error.message)
    }
}

extension RowOutcome {
    fileprivate var isRefused: Bool {
        if case .refused = self { true } else { false }
    }
}
