-- Becomes the owner of each business that has none.
--
-- $1 business ids.
SELECT wanted.id AS business_id FROM unnest($1::bigint[]) AS wanted (id)
WHERE pg_try_advisory_lock(market_chat.owner_key(wanted.id))
