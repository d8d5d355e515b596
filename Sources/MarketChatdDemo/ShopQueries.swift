import MarketSandbox

/// What the shop and the demonstration say to the database.
enum ShopQueries {
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

/// The database as it stands, for the display.
struct ShopSnapshot: Sendable, Equatable {
    /// By business id.
    var businesses: [Int64: Counts] = [:]
    /// The latest first.
    var latest: [Arrival] = []

    struct Counts: Sendable, Equatable {
        var pending = 0
        var created = 0
        var rejected = 0
        /// Why nothing is sent, and for how many seconds more; `nil`: not held.
        var hold: Hold?

        struct Hold: Sendable, Equatable {
            var reason: String
            var seconds: Int
        }
    }

    /// A result that has arrived in the shop's own tables.
    struct Arrival: Sendable, Equatable {
        var businessID: Int64
        var kind: String
        var id: String
        /// `nil`: rejected.
        var chatID: Int64?
        var error: String
    }

    init() {}

    /// - Parameter text: what `psql` prints for ``ShopQueries/snapshot``.
    init(parsing text: String) throws {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "|", omittingEmptySubsequences: false)
            switch (fields.first, fields.count) {
            case ("business", 7):
                guard let id = Int64(fields[1]) else { throw Self.unreadable(line) }
                var counts = Counts()
                counts.pending = Int(fields[2]) ?? 0
                counts.created = Int(fields[3]) ?? 0
                counts.rejected = Int(fields[4]) ?? 0
                if let seconds = Int(fields[5]), seconds > 0 {
                    counts.hold = Counts.Hold(reason: String(fields[6]), seconds: seconds)
                }
                businesses[id] = counts
            case ("latest", 6):
                guard let id = Int64(fields[1]) else { throw Self.unreadable(line) }
                latest.append(
                    Arrival(
                        businessID: id, kind: String(fields[2]), id: String(fields[3]), chatID: Int64(fields[4]),
                        error: String(fields[5])))
            default: throw Self.unreadable(line)
            }
        }
    }

    static func unreadable(_ line: Substring) -> DemoFailure {
        DemoFailure("psql printed '\(line)', which is not what was asked for: report this as a mistake of the demo")
    }

    func total(_ count: KeyPath<Counts, Int>) -> Int { businesses.values.reduce(0) { $0 + $1[keyPath: count] } }
}

/// One row of the shop or of the outbox at the end.
struct FinalRow: Sendable, Equatable {
    var context: SandboxContext
    var isInShop: Bool
    /// As the shop's table has it.
    var chatID: Int64?
    /// As the shop's table has it; empty: none.
    var error: String
    /// `nil`: it is not in the outbox.
    var state: String?
    /// As the outbox has it.
    var outboxChatID: Int64?
    var attempts: Int
    /// As the outbox has it; empty: none.
    var lastError: String

    var isSettled: Bool { state == "created" || state == "rejected" }

    /// - Parameter text: what `psql` prints for ``ShopQueries/finalRows``.
    static func parse(_ text: String) throws -> [FinalRow] {
        try text.split(separator: "\n").map { line in
            let fields = line.split(separator: "|", omittingEmptySubsequences: false)
            guard fields.count == 10, let business = Int64(fields[0]), let id = Int64(fields[2]),
                let kind = SandboxContext.Kind(rawValue: String(fields[1]))
            else { throw ShopSnapshot.unreadable(line) }
            return FinalRow(
                context: SandboxContext(businessID: business, kind: kind, id: id), isInShop: fields[3] == "t",
                chatID: Int64(fields[4]), error: String(fields[5]), state: fields[6].isEmpty ? nil : String(fields[6]),
                outboxChatID: Int64(fields[7]), attempts: Int(fields[8]) ?? 0, lastError: String(fields[9]))
        }
    }
}
