import LibPQ

extension OperatorSession {
    /// One of several rows that the database did not take.
    public struct Refusal: Sendable, Equatable {
        /// Its place among those that were given.
        public var position: Int
        /// The database's own words, without its CONTEXT.
        public var reason: String

        public init(position: Int, reason: String) {
            self.position = position
            self.reason = reason
        }
    }

    /// Less than the server's `deadlock_timeout`: where a producer and a person's command wait for each other, it is the
    /// command that gives way, and the producer has not waited for long.
    private static let changeLockTimeout = Duration.milliseconds(100)
    /// A row that somebody holds is tried so often.
    private static let lockTries = 4
    /// So many locked rows, one after the other, and it is more than rows that somebody holds.
    private static let lockedRowLimit = 20

    /// Changes rows in one transaction; where the database refuses that, finds by halving which of them it refuses.
    ///
    /// - Parameters:
    ///   - rows: 1,000 or so, since others wait for the transaction's end.
    ///   - statements: what changes some of them.
    ///   - done: told the answers to the statements of each transaction that was committed.
    /// - Returns: what was refused, by position.
    /// - Throws: ``OperatorError`` where it is not for one row's sake that nothing can be changed.
    func changing<Row: Sendable>(
        _ rows: [Row], privileges: String, statements: ([Row]) -> [PostgresStatement],
        done: ([PostgresRows]) throws(PostgresError) -> Void
    ) async throws(OperatorError) -> [Refusal] {
        let bounds = PostgresStatement(
            SQLText.bounds,
            [
                .int64(Self.changeLockTimeout.wholeMilliseconds), .int64(Self.statementTimeout.wholeMilliseconds),
                .bool(true),
            ])
        var refused: [Refusal] = []
        var lockedRows = 0
        var waiting = rows.isEmpty ? [] : [(range: rows.indices, tries: 1)]
        while let (range, tries) = waiting.popLast() {
            let answers: [PostgresRows]
            do {
                answers = try await transaction([bounds] + statements(Array(rows[range])))
            } catch {
                guard error.isOfRows else { throw explained(error, privileges: privileges) }
                if error.isOfALock, tries < Self.lockTries {
                    waiting.append((range, tries + 1))
                } else if range.count == 1 {
                    lockedRows = error.isOfALock ? lockedRows + 1 : 0
                    guard lockedRows < Self.lockedRowLimit else { throw explained(error, privileges: privileges) }
                    refused.append(Refusal(position: range.lowerBound, reason: error.reasonOfRow))
                } else {
                    let middle = range.lowerBound + range.count / 2
                    waiting.append((middle..<range.upperBound, tries))
                    waiting.append((range.lowerBound..<middle, tries))
                }
                continue
            }
            lockedRows = 0
            try decoding { () throws(PostgresError) in try done(Array(answers.dropFirst())) }
        }
        return refused
    }
}

extension PostgresError {
    /// Whether the server's words are about what is ours. It quotes the name of a relation in all messages but in one about
    /// a privilege, whatever its language.
    var namesOurs: Bool {
        guard let message = server?.message else { return true }
        return message.contains("market_chat")
            || ["outbox", "attempt", "business", "waiting", "migration", "upgrade"].contains {
                message.hasSuffix(" \($0)")
            }
    }

    var isOfALock: Bool { sqlState == .lockNotAvailable || sqlState == .deadlockDetected }

    /// Whether the statement may succeed without one of its rows.
    fileprivate var isOfRows: Bool {
        guard isOfTheStatement, !isOfTheServer, sqlState != .queryCanceled else { return false }
        switch sqlState {
        // A trigger of the seller's may miss something too.
        case .insufficientPrivilege?, .undefinedTable?, .undefinedFunction?, .invalidSchemaName?, .undefinedColumn?:
            return !namesOurs
        default: return true
        }
    }

    fileprivate var reasonOfRow: String {
        isOfALock ? "another session holds it: try again once that session's transaction has ended" : advised
    }
}
