import ChatOutbox
import Harness
import LibPQ
import MarketSandbox
import PrivatePostgres
import Synchronization
import TestSupport
import Testing

@testable import MarketChatdDemo

/// A seller's clients at work, with the triggers of `Config/examples`, while the daemon settles: nobody's transaction fails
/// for it. For a minute, and with figures:
///
///     CHATD_BENCHMARK=1 swift test --filter ShopTests
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct ShopTests {
    @Test func clientsThatSaveTheirOrdersAgainAndAgainNeverMeetADeadlock() async throws {
        let postgres = try await PrivatePostgres.start()
        do {
            try await work(in: postgres)
            await postgres.stopAndRemove()
        } catch {
            await postgres.stopAndRemove()
            throw error
        }
    }

    private func work(in postgres: PrivatePostgres) async throws {
        let shop = try await ShopDatabase.create(in: postgres)
        let url = postgres.connectionString(database: ShopDatabase.name)
        _ = try await SchemaMigrator(connectionString: url).migrate()
        try await shop.connectToOutbox()
        var options = SandboxOptions()
        options.quota = 1_000_000
        try await withSandbox(options) { sandbox in
            var settings = DaemonSettings.run(
                database: url, market: sandbox.url, businesses: [11], ["MARKET_MAX_PARALLEL": "4"])
            settings.program = Benchmark.program
            try await withDaemon(settings) { _ in
                let books = Books()
                let end = ContinuousClock.now + .seconds(Benchmark.isOn ? 60 : 5)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in 0..<8 {
                        group.addTask {
                            let user = postgres.connectionString(
                                database: ShopDatabase.name, user: ShopDatabase.application)
                            try await ShopClient(number: client, books: books).work(url: user, until: end)
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(books.errors.isEmpty, "\(books.errors)")
                let settled = "SELECT count(*) FROM shop.orders WHERE chat_id IS NOT NULL"
                try await waitUntil("all orders have their chats") {
                    try await postgres.psql(script: settled, database: ShopDatabase.name) == "\(books.orders.count)\n"
                }
                let deadlocks = try await postgres.psql(
                    script: "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
                    database: ShopDatabase.name)
                #expect(deadlocks == "0\n")
                if Benchmark.isOn {
                    Benchmark.tell(
                        "eight shop clients", "\(books.orders.count) orders, a statement: \(books.times.figures)")
                }
            }
        }
    }
}

/// What the clients did.
private final class Books: Sendable {
    private let state = Mutex<(next: Int, orders: [Int], times: Times, errors: [String])>((0, [], Times(), []))

    /// Those that are committed.
    var orders: [Int] { state.withLock { $0.orders } }
    var times: Times { state.withLock { $0.times } }
    var errors: [String] { state.withLock { $0.errors } }

    /// The number of the next order.
    func next() -> Int {
        state.withLock { state in
            state.next += 1
            return state.next
        }
    }

    func add(_ order: Int) { state.withLock { $0.orders.append(order) } }
    func note(_ time: Duration) { state.withLock { $0.times.nanoseconds.append(Int64(time / .nanoseconds(1))) } }
    func note(_ error: PostgresError) { state.withLock { $0.errors.append(error.message) } }
}

/// Saves orders as an ORM does: whole, and often.
private struct ShopClient: Sendable {
    let number: Int
    let books: Books

    func work(url: String, until end: ContinuousClock.Instant) async throws {
        let connection = try await PostgresConnection.connect(PostgresConfiguration(connectionString: url))
        var random = SplitMix64(seed: UInt64(number) + 1)
        while ContinuousClock.now < end {
            let order = books.next()
            await run(
                "INSERT INTO shop.orders (business_id, id, status) VALUES (11, \(order), 'NEEDS_CHAT')", connection)
            books.add(order)
            for _ in 0..<4 {
                // Those of the others too, in the order of their numbers, lest the clients wait for each other in a circle.
                let recent = books.orders.suffix(20)
                let others = (0..<3).compactMap { _ in recent.randomElement(using: &random) }
                await run("BEGIN", connection)
                for id in Set(others + [order]).sorted() {
                    await run(
                        "UPDATE shop.orders SET business_id = 11, status = 'NEEDS_CHAT' WHERE business_id = 11 AND id = \(id)",
                        connection)
                    // What was not enqueued by a trigger is by hand.
                    await run("SELECT market_chat.enqueue(11, 'ORDER', \(id))", connection)
                }
                await run("COMMIT", connection)
            }
        }
        await connection.close()
    }

    private func run(_ statement: String, _ connection: PostgresConnection) async {
        let start = ContinuousClock.now
        do throws(PostgresError) {
            _ = try await connection.query(PostgresStatement(statement))
            books.note(ContinuousClock.now - start)
        } catch {
            books.note(error)
            _ = try? await connection.query(PostgresStatement("ROLLBACK"))
        }
    }
}
