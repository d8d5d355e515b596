import LibPQ
import Synchronization

/// Writes results on the session's own connection, where everything else waits behind them: so they wait for nobody.
///
/// All results go in one transaction. Where it fails, each business's go in one of their own, so that one whose triggers
/// fail or are slow holds back itself alone.
final class SessionSettlement: Sendable {
    /// A row that somebody else has locked is waited for so long: long enough for a producer's commit.
    private static let common = SettlementTransaction.Bounds(lock: .milliseconds(40), statement: .milliseconds(100))
    private static let again = SettlementTransaction.Bounds(lock: .milliseconds(20), statement: .milliseconds(60))
    /// What is committed is not on the disk yet: one ``SQLText/flush`` is for all of them.
    private static let part = SettlementTransaction.Bounds(
        lock: .milliseconds(20), statement: .milliseconds(40), isDurable: false)
    /// When parts that failed took so long together, what was not tried yet is given back; and so long after the beginning.
    private static let longestTrouble = Duration.milliseconds(60)
    private static let longest = Duration.milliseconds(250)

    private let connection: PostgresConnection
    private let transaction: SettlementTransaction
    /// Businesses whose results failed last. They do not go with those of others.
    private let suspects = Mutex<Set<Int64>>([])

    init(connection: PostgresConnection, hasDeferredTriggers: Bool) {
        self.connection = connection
        transaction = SettlementTransaction(
            run: { statements async throws(PostgresError) in try await connection.pipeline(statements) },
            hasDeferredTriggers: hasDeferredTriggers)
    }

    func settle(
        _ results: [RowResult], remembering records: [BusinessRecord]
    ) async throws(OutboxError) -> [RowOutcome] {
        let end = ContinuousClock.now + Self.longest
        let suspected = suspects.withLock { $0 }
        // Alone it delays no other.
        let isAlone = Set(results.map(\.businessID)).count == 1
        let together = results.indices.filter { isAlone || !suspected.contains(results[$0].businessID) }
        var outcomes: [RowOutcome?] = Array(repeating: nil, count: results.count)
        func keep(_ found: [RowOutcome], at places: [Int]) {
            for (place, outcome) in zip(places, found) { outcomes[place] = outcome }
        }

        switch try await settleTogether(together.map { results[$0] }, records, isAlone: isAlone) {
        case .success(let found):
            keep(found, at: together)
            trust(together.map { results[$0].businessID })
        case .failure(let error) where isAlone:
            keep(refuse(results, error), at: together)
        case .failure: break
        }
        let rest = results.indices.filter { outcomes[$0] == nil }
        guard !rest.isEmpty else { return outcomes.compactMap(\.self) }
        let parts = Dictionary(grouping: rest) { results[$0].businessID }.sorted { left, right in
            let (isLate, isLater) = (suspected.contains(left.key), suspected.contains(right.key))
            return isLate == isLater ? left.value[0] < right.value[0] : isLater
        }
        var trouble = Duration.zero
        for part in parts {
            let start = ContinuousClock.now
            if start > end || trouble > Self.longestTrouble { break }
            let (found, isFailed) = try await settlePart(part.value.map { results[$0] })
            keep(found, at: part.value)
            if isFailed { trouble += .now - start }
        }
        let notTried = RowOutcome.refused(error: "not tried: the results of other businesses took too long")
        for place in rest where outcomes[place] == nil { outcomes[place] = notTried }
        if try await !flush() {
            // Whether what was committed outlives the server is unknown. To write it again does no harm.
            for place in rest where outcomes[place] == .written { outcomes[place] = .refused(error: Self.notOnDisk) }
        }
        return outcomes.compactMap(\.self)
    }

    private static let notOnDisk = "the server could not write to its disk"

    /// All in one transaction. What is to be remembered is written in any case, if need be by itself; where that fails, the
    /// next settlement tries again.
    private func settleTogether(
        _ results: [RowResult], _ records: [BusinessRecord], isAlone: Bool
    ) async throws(OutboxError) -> Result<[RowOutcome], PostgresError> {
        if results.isEmpty, records.isEmpty { return .success([]) }
        let memory = records.isEmpty ? [] : [SettlementTransaction.remember(records)]
        var answer = try await attempt { () async throws(PostgresError) in
            try await transaction.write(results, within: Self.common, isLeavingLocked: false, after: memory)
        }
        guard case .failure(let error) = answer else { return answer }
        // Without the row that somebody has locked, or without the memory, all may be well.
        if error.sqlState == .lockNotAvailable || (isAlone && !memory.isEmpty) {
            answer = try await attempt { () async throws(PostgresError) in
                try await transaction.write(results, within: Self.again, isLeavingLocked: true)
            }
        }
        if !memory.isEmpty {
            _ = try await attempt { () async throws(PostgresError) in
                try await connection.pipeline([Self.again.sql] + memory)
            }
        }
        return answer
    }

    /// The results of one business.
    private func settlePart(
        _ results: [RowResult]
    ) async throws(OutboxError) -> (outcomes: [RowOutcome], isFailed: Bool) {
        let answer = try await attempt { () async throws(PostgresError) in
            try await transaction.write(results, within: Self.part, isLeavingLocked: true)
        }
        switch answer {
        case .success(let outcomes):
            trust(results.map(\.businessID))
            return (outcomes, false)
        case .failure(let error): return (refuse(results, error), true)
        }
    }

    private func refuse(_ results: [RowResult], _ error: PostgresError) -> [RowOutcome] {
        suspects.withLock { $0.formUnion(results.map(\.businessID)) }
        return results.map { _ in .refused(error: error.advised) }
    }

    private func trust(_ businessIDs: [Int64]) {
        suspects.withLock { $0.subtract(businessIDs) }
    }

    /// Returns whether all that was committed is on the disk.
    private func flush() async throws(OutboxError) -> Bool {
        let answer = try await attempt { () async throws(PostgresError) in
            try await connection.query(PostgresStatement(SQLText.flush, isPrepared: true))
        }
        return if case .success = answer { true } else { false }
    }

    /// Runs `body`; gives back an error that is of what it wrote, and throws one that is of the session.
    private func attempt<Value>(
        _ body: () async throws(PostgresError) -> Value
    ) async throws(OutboxError) -> Result<Value, PostgresError> {
        do {
            return .success(try await body())
        } catch {
            guard error.isOfTheStatement else { throw OutboxError(error) }
            return .failure(error)
        }
    }
}
