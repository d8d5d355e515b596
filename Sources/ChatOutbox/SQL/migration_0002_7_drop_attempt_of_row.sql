-- Version 2, step 7: outside a transaction. The primary key serves what this index did.
DROP INDEX CONCURRENTLY IF EXISTS market_chat.attempt_of_row
