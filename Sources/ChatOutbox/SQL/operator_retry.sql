-- Rejected rows become pending again, with attempts and patience as if they were new; pending ones become due now, and keep
-- their place where they are due already.
--
-- Locked in the order of the ids, as settlements lock them. o.id = ANY (ARRAY[asked.id]): see outbox_settle.sql.
--
-- $1 row ids.
WITH asked AS MATERIALIZED (
    SELECT o.id FROM market_chat.outbox AS o
    WHERE o.id = ANY ($1::bigint[]) AND o.state <> 'created'
    ORDER BY o.id
    FOR NO KEY UPDATE OF o
)
UPDATE market_chat.outbox AS o
SET state = 'pending', settled_at = NULL, attempts = 0, not_found_since = NULL, last_error = NULL,
    due_at = CASE WHEN o.state = 'pending' THEN least(o.due_at, statement_timestamp()) ELSE statement_timestamp() END
FROM asked
WHERE o.id = ANY (ARRAY[asked.id]) AND o.state <> 'created'
RETURNING o.id
