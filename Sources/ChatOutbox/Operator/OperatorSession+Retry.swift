import LibPQ

extension OperatorSession {
    /// Rows that are looked at in one statement.
    private static let lookLimit: Int64 = 20_000

    /// What became of rows that were to be tried again.
    public struct Retried: Sendable, Equatable {
        /// They are pending and due now.
        public var retried: [Int64] = []
        /// They have a chat already.
        public var created: [Int64] = []
        /// There are no such rows.
        public var missing: [Int64] = []
        /// The database did not take the change.
        public var refused: [RefusedRow] = []

        /// A row that could not be made pending again.
        public struct RefusedRow: Sendable, Equatable {
            public var id: Int64
            /// For people, of one line.
            public var reason: String
        }

        /// None yet.
        public init() {}
    }

    private static let retryPrivileges =
        "SELECT, UPDATE (state, settled_at, attempts, not_found_since, last_error, due_at) ON market_chat.outbox"

    /// Makes rejected rows pending again, as if they were new, and pending ones due now. Their owner is woken.
    ///
    /// - Parameter ids: 1,000 or so, each once, since others wait for the transaction's end.
    /// - Throws: ``OperatorError``; then some may have been changed.
    public func retry(_ ids: [Int64]) async throws(OperatorError) -> Retried {
        var retried: Set<Int64> = []
        var states: [Int64: String] = [:]
        let refused = try await changing(
            ids, privileges: Self.retryPrivileges,
            statements: { ids in
                [
                    PostgresStatement(SQLText.operatorRetry, [.int64Array(ids)]),
                    PostgresStatement(SQLText.operatorRowStates, [.int64Array(ids)]),
                ]
            },
            done: { (answers) throws(PostgresError) in
                for row in answers[0] { retried.insert(try row.decode("id")) }
                for row in answers[1] { states[try row.decode("id")] = try row.decode("state", as: String.self) }
            })
        let reasons = Dictionary(refused.map { (ids[$0.position], $0.reason) }) { first, _ in first }
        var result = Retried()
        for id in ids {
            if retried.contains(id) {
                result.retried.append(id)
            } else if let reason = reasons[id] {
                result.refused.append(Retried.RefusedRow(id: id, reason: reason))
            } else if states[id] == "created" {
                result.created.append(id)
            } else if states[id] == nil {
                result.missing.append(id)
            } else {
                let reason = "a BEFORE UPDATE trigger or a policy of yours kept it as it was"
                result.refused.append(Retried.RefusedRow(id: id, reason: reason))
            }
        }
        return result
    }

    /// Finds the rejected rows of a business, a part of its rows at a time, so that no statement takes long.
    ///
    /// - Parameters:
    ///   - businessID: the cabinet.
    ///   - code: of the last exchange: the Market's error code, or the HTTP status; `nil`: any.
    ///   - found: told the ids of each part.
    /// - Throws: ``OperatorError``.
    public func rejected(
        of businessID: Int64, code: String?, found: ([Int64]) async throws(OperatorError) -> Void
    ) async throws(OperatorError) {
        var last = (type: "", id: Int64(0))
        while true {
            let rows = try await run(
                PostgresStatement(
                    SQLText.operatorRejected,
                    [
                        .int64(businessID), .text(code), .text(last.type), .int64(last.id), .int64(Self.lookLimit),
                    ]),
                privileges: "SELECT ON market_chat.outbox, market_chat.attempt")
            var wanted: [Int64] = []
            var next: (type: String, id: Int64)?
            try decoding { () throws(PostgresError) in
                for row in rows {
                    if try row.decode("is_wanted") {
                        wanted.append(try row.decode("id"))
                    } else {
                        next = (try row.decode("context_type"), try row.decode("context_id"))
                    }
                }
            }
            guard let next else { return }
            last = next
            if !wanted.isEmpty { try await found(wanted) }
        }
    }
}
