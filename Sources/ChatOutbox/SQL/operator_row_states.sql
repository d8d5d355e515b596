-- The states of some rows.
--
-- $1 row ids.
SELECT o.id, o.state FROM market_chat.outbox AS o WHERE o.id = ANY ($1::bigint[]) ORDER BY o.id
