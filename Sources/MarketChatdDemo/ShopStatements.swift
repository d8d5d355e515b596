import MarketSandbox

/// What the shop and the demonstration say to the database.
enum ShopStatements {
    /// The seller's own transactions, one for each row. Nothing in them knows market-chatd: the triggers do.
    static func transactions(_ rows: [ShopRow]) -> String {
        limit + rows.map(transaction).joined()
    }

    private static func transaction(_ row: ShopRow) -> String {
        let (business, id) = (row.context.businessID, row.context.id)
        let table = table(row.context.kind)
        let status = row.entry == .afterChange ? "NEW" : "NEEDS_CHAT"
        var lines = ["BEGIN;"]
        lines.append("INSERT INTO \(table) (business_id, id, status) VALUES (\(business), \(id), '\(status)');")
        if row.entry == .afterChange {
            lines.append(
                "UPDATE \(table) SET status = 'NEEDS_CHAT' WHERE business_id = \(business) AND id = \(id);")
        }
        lines.append(row.entry == .rolledBack ? "ROLLBACK;" : "COMMIT;")
        return lines.joined(separator: "\n") + "\n"
    }

    static func table(_ kind: SandboxContext.Kind) -> String {
        switch kind {
        case .order: "shop.orders"
        case .return: "shop.returns"
        }
    }

    /// A statement that hangs is an error rather than a demonstration without an end.
    private static let limit = "SET statement_timeout = '10s';\n"

    private static let shopRows = """
        (SELECT 'ORDER' AS context_type, * FROM shop.orders UNION ALL SELECT 'RETURN', * FROM shop.returns) AS s
        """

    /// Text in one line, without the separator of columns.
    private static func oneLine(_ expression: String) -> String {
        "translate(coalesce(\(expression), ''), E'|\\n\\r', '/  ')"
    }

    private static var businessIDs: String { Traffic.businesses.map { "\($0.id)" }.joined(separator: ", ") }

    /// How many of the latest results are shown.
    static let latest = 5

    /// What ``ShopSnapshot`` reads.
    static let snapshot =
        limit + """
            SELECT 'business', w.business_id, c.pending, c.created, c.rejected,
                ceil(extract(epoch FROM b.held_until - now())), \(oneLine("b.hold_reason"))
            FROM unnest(ARRAY[\(businessIDs)]) AS w (business_id)
            LEFT JOIN market_chat.business AS b ON b.business_id = w.business_id
            CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE state = 'pending') AS pending,
                    count(*) FILTER (WHERE state = 'created') AS created,
                    count(*) FILTER (WHERE state = 'rejected') AS rejected
                FROM market_chat.outbox AS o WHERE o.business_id = w.business_id) AS c;
            SELECT 'latest', s.business_id, s.context_type, s.id, s.chat_id, \(oneLine("s.chat_error"))
            FROM \(shopRows) WHERE s.chat_settled_at IS NOT NULL
            ORDER BY s.chat_settled_at DESC, s.id DESC LIMIT \(latest);

            """

    /// What ``FinalRow`` reads: every row of the shop beside its row of the outbox, and those that have only one of them.
    static let finalRows =
        limit + """
            SELECT coalesce(s.business_id, o.business_id), coalesce(s.context_type, o.context_type),
                coalesce(s.id, o.context_id), s.id IS NOT NULL, s.chat_id, \(oneLine("s.chat_error")), o.state, o.chat_id,
                o.attempts, \(oneLine("o.last_error"))
            FROM \(shopRows) FULL JOIN market_chat.outbox AS o
                ON (o.business_id, o.context_type, o.context_id) = (s.business_id, s.context_type, s.id)
            ORDER BY 1, 2, 3;

            """
}
