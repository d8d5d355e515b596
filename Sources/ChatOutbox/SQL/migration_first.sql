-- The end of version 1's migration.
INSERT INTO market_chat.migration (version, name) VALUES (1, 'outbox')
