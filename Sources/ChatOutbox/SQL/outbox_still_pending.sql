-- Which of some rows are pending, seen afresh.
--
-- $1 row ids.
SELECT o.id FROM market_chat.outbox AS o WHERE o.id = ANY ($1::bigint[]) AND (o.state = 'pending') IS TRUE
