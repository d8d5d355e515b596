-- The rows of some orders or returns.
--
-- $1 business id, $2 context_type, $3 context ids.
SELECT o.context_id, o.id, o.state, o.chat_id FROM market_chat.outbox AS o
WHERE o.business_id = $1::bigint AND o.context_type = $2::text AND o.context_id = ANY ($3::bigint[])
