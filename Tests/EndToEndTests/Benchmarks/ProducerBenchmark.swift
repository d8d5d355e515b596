import Harness
import LibPQ
import MarketSandbox
import PrivatePostgres
import Subprocess
import Testing

extension Benchmarks {
    /// What a producer's transactions pay for the outbox, at 64 clients beside a busy daemon.
    @Test func producer() async throws {
        try await Benchmark.withDatabase { database in
            var options = Benchmark.market
            // Always awake and busy, and yet no burden: 4 requests at a time.
            options.latency = .milliseconds(50)
            try await withSandbox(options) { sandbox in
                try await database.run(Self.tables)
                try await database.insert(1...100_000)
                let settings = Benchmark.settings(database, sandbox, ["MARKET_MAX_PARALLEL": "4"])
                try await withDaemon(settings) { _ in
                    try await waitUntil("it works") { sandbox.state(withContexts: false).requests > 10 }
                    try await compare(database)
                }
            }
        }
    }

    private static let tables = """
        CREATE TABLE orders (id bigserial PRIMARY KEY, business_id bigint, note text);
        CREATE SEQUENCE context START 1000000;
        CREATE TABLE bare (LIKE market_chat.outbox INCLUDING ALL);
        CREATE TABLE telling (LIKE market_chat.outbox INCLUDING ALL);
        CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('some_channel', NEW.business_id::text);
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER tell AFTER INSERT ON telling FOR EACH ROW EXECUTE FUNCTION tell();
        """

    /// What is compared: the order alone, and with a row in each of three outboxes.
    private static let variants = [
        ("order alone", String?.none), ("with an outbox without our trigger", "bare"),
        ("with the outbox", "market_chat.outbox"), ("with an outbox that notifies always", "telling"),
    ]

    private func compare(_ database: TestDatabase) async throws {
        let directory = try ScratchDirectory()
        let rounds = 5
        var rates = [[Double]](repeating: [], count: Self.variants.count)
        for round in 0..<rounds {
            for index in Self.variants.indices {
                let script = try directory.write(Self.script(Self.variants[index].1), to: "script.sql", mode: 0o644)
                let rate = try await pgbench(database, script: script, seconds: round == 0 ? 1 : 4)
                // The first round only warms up.
                if round > 0 { rates[index].append(rate) }
            }
        }
        let medians = rates.map { $0.sorted()[$0.count / 2] }
        let figures = zip(Self.variants, medians).map { variant, median in
            "\(variant.0) \(median.tenths) tps (\((100 * median / medians[1]).tenths) %)"
        }
        Benchmark.tell("producer", figures.joined(separator: ", "))
    }

    private static func script(_ outbox: String?) -> String {
        let insert = outbox.map {
            """
            INSERT INTO \($0) (business_id, context_type, context_id)
                VALUES (11, 'ORDER', nextval('context')) ON CONFLICT DO NOTHING;\n
            """
        }
        return "BEGIN;\nINSERT INTO orders (business_id, note) VALUES (11, 'an order');\n\(insert ?? "")COMMIT;\n"
    }

    /// - Returns: transactions a second.
    private func pgbench(_ database: TestDatabase, script: String, seconds: Int) async throws -> Double {
        let cluster = database.cluster
        let target = ["-h", cluster.socketDirectory, "-p", "\(cluster.port)", "-U", PrivatePostgres.superuser]
        let load = ["-n", "-M", "prepared", "-c", "64", "-j", "2", "-T", "\(seconds)", "-f", script]
        let run = try await Subprocess.run(
            .name("pgbench"), arguments: Arguments(load + target + [database.name]), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        let line = run.standardOutput.split(separator: "\n").first { $0.hasPrefix("tps = ") }
        let rate = line?.split(separator: " ").dropFirst(2).first.flatMap { Double($0) }
        return try #require(rate, "pgbench: \(run.standardError)")
    }
}
