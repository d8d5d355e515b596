-- Becomes the owner of each business that has none, and returns what is remembered of those.
--
-- $1 business ids.
WITH claimed AS MATERIALIZED (
    SELECT wanted.id FROM unnest($1::bigint[]) AS wanted (id)
    WHERE pg_try_advisory_lock(market_chat.owner_key(wanted.id))
), added AS (
    INSERT INTO market_chat.business (business_id)
    SELECT claimed.id FROM claimed
    WHERE NOT EXISTS (SELECT FROM market_chat.business b WHERE b.business_id = claimed.id)
    ON CONFLICT DO NOTHING
)
SELECT
    claimed.id AS business_id,
    coalesce(b.paused, false) AS paused,
    b.hold_reason,
    (extract(epoch FROM least(greatest(b.held_until, now()), now() + interval '1 day') - now()) * 1000000)::bigint
        AS hold_microseconds,
    b.quota_limit,
    b.quota_remaining,
    (extract(epoch FROM least(greatest(b.quota_resets_at, now()), now() + interval '1 day') - now()) * 1000000)::bigint
        AS quota_microseconds
FROM claimed LEFT JOIN market_chat.business b ON b.business_id = claimed.id
