import LibPQ

// What a person changes.
extension OperatorSession {
    /// What is known of a business before it is paused.
    public struct KnownBusiness: Sendable, Equatable {
        /// `nil`: it has no record, so no daemon has ever served it.
        public var isPaused: Bool?
        /// Whether any row is of it.
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

    /// What else keeps a business from being served.
    public struct Obstacles: Sendable, Equatable {
        /// As its owner last said.
        public var hold: BusinessRecord.Hold?
        /// Whether a daemon serves it.
        public var hasOwner: Bool

        public init(hold: BusinessRecord.Hold? = nil, hasOwner: Bool) {
            self.hold = hold
            self.hasOwner = hasOwner
        }
    }

    /// Pauses or resumes a business; its owner hears of it at once.
    ///
    /// - Returns: what keeps it from being served all the same.
    /// - Throws: ``OperatorError``.
    @discardableResult
    public func setPaused(_ isPaused: Bool, _ businessID: Int64) async throws(OperatorError) -> Obstacles {
        let rows = try await run(
            PostgresStatement(SQLText.operatorPause, [.int64(businessID), .bool(isPaused)]),
            privileges: "SELECT, INSERT, UPDATE ON market_chat.business")
        return try decoding { () throws(PostgresError) in
            Obstacles(hold: try rows[0].decodeHold(), hasOwner: try rows[0].decode("has_owner"))
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
}
