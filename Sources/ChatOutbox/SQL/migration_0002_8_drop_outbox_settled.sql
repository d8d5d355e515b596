-- Version 2, step 8: outside a transaction. Retention walks along the primary key. (That of a program of version 1 reads
-- the whole table from now on.)
DROP INDEX CONCURRENTLY IF EXISTS market_chat.outbox_settled
