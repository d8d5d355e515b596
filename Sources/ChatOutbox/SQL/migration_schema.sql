-- Where `market-chatd migrate` begins: the schema, and which migrations it has seen.
DO $$
BEGIN
    -- IF NOT EXISTS would want the right to create schemas even from a role that owns this one.
    IF to_regnamespace('market_chat') IS NULL THEN
        CREATE SCHEMA market_chat;
        COMMENT ON SCHEMA market_chat IS 'Outbox of market-chatd: chats with buyers on Yandex Market';
    END IF;
END
$$;
CREATE TABLE market_chat.migration (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE market_chat.migration IS 'Which migrations of market-chatd the schema has seen';
