-- Rejected rows become pending again, with attempts and patience as if they were new; pending ones become due now.
--
-- $1 row ids.
UPDATE market_chat.outbox AS o
SET state = 'pending', settled_at = NULL, attempts = 0, not_found_since = NULL, last_error = NULL,
    due_at = least(o.due_at, statement_timestamp())
WHERE o.id = ANY ($1::bigint[]) AND o.state <> 'created'
RETURNING o.id
