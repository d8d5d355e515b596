import LibPQ

extension OperatorSession {
    /// Groups of failures that are told at most, and chats.
    private static let failureLimit: Int64 = 20
    private static let chatLimit: Int64 = 10

    /// What there is to tell of all businesses: those that are asked for come even where nothing is known of them.
    ///
    /// - Throws: ``OperatorError``.
    public func overview(of businessIDs: [Int64]) async throws(OperatorError) -> OutboxOverview {
        let privileges = "SELECT ON market_chat.outbox, market_chat.attempt, market_chat.business"
        let start = try await run(PostgresStatement(SQLText.operatorDayStart), privileges: privileges)
        let firstID = try decoding { () throws(PostgresError) in try start[0].decode("first_id", as: Int64.self) }
        let answers = try await run(
            [
                PostgresStatement(
                    SQLText.operatorBusinesses,
                    [.int64Array(businessIDs), .int64(Int64(BusinessOverview.countLimit)), .int64(firstID)]),
                PostgresStatement(
                    SQLText.operatorFailures, [.int64(firstID), .int64(Self.failureLimit), .int64(nil)]),
                PostgresStatement(SQLText.operatorHours, [.int64(firstID)]),
                PostgresStatement(SQLText.operatorRecentChats, [.int64(Self.chatLimit)]),
            ], privileges: privileges)
        return try decoding { () throws(PostgresError) in
            OutboxOverview(
                businesses: try answers[0].map { row throws(PostgresError) in try BusinessOverview(row) },
                failures: try answers[1].map { row throws(PostgresError) in try FailureGroup(row) },
                hours: try answers[2].map { row throws(PostgresError) in
                    HourCount(
                        hoursAgo: try row.decode("hours_ago"), created: try row.decode("created"),
                        putOff: try row.decode("put_off"), rejected: try row.decode("rejected"))
                },
                recentChats: try answers[3].map { row throws(PostgresError) in
                    RecentChat(
                        rowID: try row.decode("id"), businessID: try row.decode("business_id"),
                        contextType: try row.decode("context_type"), contextID: try row.decode("context_id"),
                        chatID: try row.decode("chat_id"),
                        age: .microseconds(try row.decode("age_microseconds", as: Int64.self)))
                })
        }
    }
}
