import LibPQ

extension OperatorSession {
    /// A row to be put into the outbox.
    public struct NewRow: Sendable, Hashable {
        public var businessID: Int64
        /// `ORDER` or `RETURN`.
        public var contextType: String
        public var contextID: Int64
        /// `nil`: 0.
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

    /// What became of new rows. Those that are neither inserted nor refused were there already.
    public struct Enqueued: Sendable, Equatable {
        public var inserted = 0
        public var refused: [Refusal] = []
    }

    private static let enqueuePrivileges =
        "SELECT, INSERT (business_id, context_type, context_id, priority, due_at) ON market_chat.outbox"

    /// Puts rows into the outbox, in one transaction if the database takes all; the owner is woken. What is there already
    /// stays as it is.
    ///
    /// - Parameter rows: 1,000 or so, since a producer of the same order waits for the transaction's end.
    /// - Throws: ``OperatorError``; then some may have been inserted.
    public func enqueue(_ rows: [NewRow]) async throws(OperatorError) -> Enqueued {
        var enqueued = Enqueued()
        enqueued.refused = try await changing(
            rows, privileges: Self.enqueuePrivileges,
            statements: { rows in
                [
                    PostgresStatement(
                        SQLText.operatorEnqueue,
                        [
                            .int64Array(rows.map(\.businessID)), .textArray(rows.map(\.contextType)),
                            .int64Array(rows.map(\.contextID)), .int32Array(rows.map { $0.priority.map(Int32.init) }),
                            .textArray(rows.map(\.dueAt)),
                        ])
                ]
            },
            done: { answers in enqueued.inserted += answers[0].count })
        return enqueued
    }

    /// A row of an order or a return.
    public struct ContextRow: Sendable, Equatable {
        public var contextID: Int64
        public var rowID: Int64
        public var state: String
        public var chatID: Int64?
    }

    /// The rows of some orders or returns, by their numbers.
    ///
    /// - Throws: ``OperatorError``.
    public func rows(
        of businessID: Int64, contextType: String, contextIDs: [Int64]
    ) async throws(OperatorError) -> [Int64: ContextRow] {
        let rows = try await run(
            PostgresStatement(
                SQLText.operatorContexts, [.int64(businessID), .text(contextType), .int64Array(contextIDs)]),
            privileges: Self.enqueuePrivileges)
        return try decoding { () throws(PostgresError) in
            var found: [Int64: ContextRow] = [:]
            for row in rows {
                let id = try row.decode("context_id", as: Int64.self)
                found[id] = ContextRow(
                    contextID: id, rowID: try row.decode("id"), state: try row.decode("state"),
                    chatID: try row.decode("chat_id"))
            }
            return found
        }
    }
}
