import MarketSandbox
import PrivatePostgres

/// What there is to look at while everything keeps running.
enum KeepHints {
    static func text(_ stage: Stage) -> String {
        let postgres = stage.database.postgres.connectionString(database: ShopDatabase.name)
        let daemon = stage.daemon
        return """

            Everything keeps running until Ctrl-C. From another terminal:

              psql '\(postgres)'
                TABLE shop.orders;  TABLE market_chat.outbox;  TABLE market_chat.attempt;
              curl \(daemon.settings.httpURL)/status.json
              curl '\(stage.sandbox.url)/sandbox/state?contexts=no'
              \(daemon.program) run --dry-run --env-file \(daemon.environmentFile)
              tail -f \(daemon.logFile)

            An order of your own, in psql; a moment later it has its chat ID:

              INSERT INTO shop.orders (business_id, id, status) VALUES (\(sample), 'NEEDS_CHAT');
              SELECT * FROM shop.orders WHERE (business_id, id) = (\(sample));

            """
    }

    private static var sample: String { "\(Traffic.businesses[0].id), 4711" }
}
