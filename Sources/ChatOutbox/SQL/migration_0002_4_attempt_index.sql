-- Version 2, step 4: outside a transaction. It becomes the primary key in step 5.
CREATE UNIQUE INDEX CONCURRENTLY attempt_by_row ON market_chat.attempt (outbox_id, id)
