-- Which migrations the schema has seen. `market-chatd migrate` creates it before the first one.
CREATE SCHEMA IF NOT EXISTS market_chat;
CREATE TABLE IF NOT EXISTS market_chat.migration (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE market_chat.migration IS 'Which migrations of market-chatd the schema has seen';
