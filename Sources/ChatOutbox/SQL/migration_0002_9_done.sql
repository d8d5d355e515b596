-- Version 2, the last step, in a transaction. Nobody waits while the constraint of step 2 looks at all rows.
ALTER TABLE market_chat.outbox VALIDATE CONSTRAINT outbox_context_type_is_order_or_return;
INSERT INTO market_chat.upgrade (version, name, oldest_program) VALUES (2, 'seller first', 1) ON CONFLICT DO NOTHING;
