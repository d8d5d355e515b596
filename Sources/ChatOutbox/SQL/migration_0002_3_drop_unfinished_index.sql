-- Version 2, step 3: outside a transaction. What a failed try of step 4 left behind.
DROP INDEX CONCURRENTLY IF EXISTS market_chat.attempt_by_row
