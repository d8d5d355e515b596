import LibPQ

// What a person changes.
extension OperatorSession {
    /// Rows that are looked at, or changed, in one statement.
    private static let batch = 1000

    /// What became of rows that were to be tried again.
    public struct Retried: Sendable, Equatable {
        /// They are pending and due now.
        public var retried: [Int64] = []
        /// They have a chat already.
        public var created: [Int64] = []
        /// There are no such rows.
        public var missing: [Int64] = []
    }

    private static let retryPrivileges =
        "SELECT, UPDATE (state, settled_at, attempts, not_found_since, last_error, due_at) ON market_chat.outbox"

    /// Makes rejected rows pending again, as if they were new, and pending ones due now.
    ///
    /// - Throws: ``OperatorError``.
    public func retry(_ ids: [Int64]) async throws(OperatorError) -> Retried {
        let answers = try await run(
            [
                PostgresStatement(SQLText.operatorRetry, [.int64Array(ids)]),
                PostgresStatement(SQLText.operatorRowStates, [.int64Array(ids)]),
            ], privileges: Self.retryPrivileges)
        return try decoding { () throws(PostgresError) in
            let retried = Set(try answers[0].map { row throws(PostgresError) in try row.decode("id", as: Int64.self) })
            let known = Set(try answers[1].map { row throws(PostgresError) in try row.decode("id", as: Int64.self) })
            return Retried(
                retried: ids.filter(retried.contains),
                created: ids.filter { known.contains($0) && !retried.contains($0) },
                missing: ids.filter { !known.contains($0) })
        }
    }

    /// Finds the rejected rows of a business, a part of the outbox at a time, so that no statement takes long.
    ///
    /// - Parameters:
    ///   - code: of the last exchange: the Market's error code, or the HTTP status; `nil`: any.
    ///   - found: told the rows of each part; returns whether to go on.
    /// - Throws: ``OperatorError``.
    public func rejected(
        of businessID: Int64, code: String?, found: ([Int64]) async throws(OperatorError) -> Void
    ) async throws(OperatorError) {
        var last: Int64 = 0
        while true {
            let rows = try await run(
                PostgresStatement(
                    SQLText.operatorRejected,
                    [.int64(businessID), .text(code), .int64(last), .int64(Int64(Self.batch * 20))]),
                privileges: "SELECT ON market_chat.outbox, market_chat.attempt")
            guard !rows.isEmpty else { return }
            let looked = try decoding { () throws(PostgresError) in
                try rows.map { row throws(PostgresError) in
                    (id: try row.decode("id", as: Int64.self), isWanted: try row.decode("is_wanted", as: Bool.self))
                }
            }
            last = looked.last?.id ?? last
            let wanted = looked.filter(\.isWanted).map(\.id)
            if !wanted.isEmpty { try await found(wanted) }
        }
    }

    /// What is known of a business before it is paused.
    public struct KnownBusiness: Sendable, Equatable {
        /// `nil`: it has no record, so no daemon has ever served it.
        public var isPaused: Bool?
        public var hasRows: Bool
    }

    /// - Throws: ``OperatorError``.
    public func known(_ businessID: Int64) async throws(OperatorError) -> KnownBusiness {
        let rows = try await run(
            PostgresStatement(SQLText.operatorBusinessKnown, [.int64(businessID)]),
            privileges: "SELECT ON market_chat.outbox, market_chat.business")
        return try decoding { () throws(PostgresError) in
            KnownBusiness(isPaused: try rows[0].decode("paused"), hasRows: try rows[0].decode("has_rows"))
        }
    }

    /// Pauses or resumes a business; its owner hears of it at once.
    ///
    /// - Returns: what the business is held for all the same.
    /// - Throws: ``OperatorError``.
    @discardableResult
    public func setPaused(_ isPaused: Bool, _ businessID: Int64) async throws(OperatorError) -> BusinessRecord.Hold? {
        let rows = try await run(
            PostgresStatement(SQLText.operatorPause, [.int64(businessID), .bool(isPaused)]),
            privileges: "SELECT, INSERT, UPDATE ON market_chat.business")
        return try decoding { () throws(PostgresError) in
            guard let reason = try rows[0].decode("hold_reason", as: String?.self) else { return nil }
            let rest = try rows[0].decode("hold_microseconds", as: Int64?.self) ?? 0
            return BusinessRecord.Hold(reason: reason, endsIn: .microseconds(rest))
        }
    }

    /// Lets the owner of a business try at once whatever it holds the business for.
    ///
    /// - Throws: ``OperatorError``.
    public func endHold(_ businessID: Int64) async throws(OperatorError) {
        _ = try await run(
            PostgresStatement(SQLText.operatorEndHold, [.int64(businessID)]),
            privileges: "USAGE ON SCHEMA market_chat")
    }

    /// A row to be put into the outbox.
    public struct NewRow: Sendable, Hashable {
        public var businessID: Int64
        /// `ORDER` or `RETURN`.
        public var contextType: String
        public var contextID: Int64
        public var priority: Int16?
        /// As PostgreSQL reads a moment, with its zone; `nil`: now.
        public var dueAt: String?

        public init(
            businessID: Int64, contextType: String, contextID: Int64, priority: Int16? = nil, dueAt: String? = nil
        ) {
            self.businessID = businessID
            self.contextType = contextType
            self.contextID = contextID
            self.priority = priority
            self.dueAt = dueAt
        }
    }

    /// Puts rows into the outbox, in one transaction; the owner is woken. What is there already stays as it is.
    ///
    /// - Returns: the ids of the new rows; there are fewer than `rows` where some were there.
    /// - Throws: ``OperatorError``; then none was inserted.
    public func enqueue(_ rows: [NewRow]) async throws(OperatorError) -> [Int64] {
        let inserted = try await run(
            PostgresStatement(
                SQLText.operatorEnqueue,
                [
                    .int64Array(rows.map(\.businessID)), .textArray(rows.map(\.contextType)),
                    .int64Array(rows.map(\.contextID)), .int32Array(rows.map { $0.priority.map(Int32.init) }),
                    .textArray(rows.map(\.dueAt)),
                ], isPrepared: true),
            privileges:
                "SELECT, INSERT (business_id, context_type, context_id, priority, due_at) ON market_chat.outbox")
        return try decoding { () throws(PostgresError) in
            try inserted.map { row throws(PostgresError) in try row.decode("id", as: Int64.self) }
        }
    }
}
