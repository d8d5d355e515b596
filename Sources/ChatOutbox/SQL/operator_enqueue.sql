-- Puts rows into the outbox, each once. What is there already stays as it is, and is not waited for: see
-- market_chat.enqueue().
--
-- $1 business ids, $2 context types, $3 context ids, $4 priorities or NULL, $5 due_at as text or NULL.
INSERT INTO market_chat.outbox AS o (business_id, context_type, context_id, priority, due_at)
SELECT new.business_id, new.context_type, new.context_id, coalesce(new.priority, 0)::smallint,
    coalesce(new.due_at::timestamptz, now())
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::integer[], $5::text[])
    WITH ORDINALITY AS new (business_id, context_type, context_id, priority, due_at, place)
WHERE NOT EXISTS (
    SELECT FROM market_chat.outbox AS o
    WHERE o.business_id = new.business_id AND o.context_type = new.context_type AND o.context_id = new.context_id)
ORDER BY new.place
ON CONFLICT DO NOTHING
RETURNING o.id
