-- Version 2, the last step, in a transaction.
INSERT INTO market_chat.upgrade (version, name, oldest_program) VALUES (2, 'seller first', 1) ON CONFLICT DO NOTHING;
