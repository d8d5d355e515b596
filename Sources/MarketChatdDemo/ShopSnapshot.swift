import MarketSandbox

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

    /// - Parameter text: what `psql` prints for ``ShopStatements/snapshot``.
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

    /// - Parameter text: what `psql` prints for ``ShopStatements/finalRows``.
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
