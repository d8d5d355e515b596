-- What is remembered of businesses. A missing record is created.
--
-- $1 business ids.
WITH added AS (
    INSERT INTO market_chat.business (business_id)
    SELECT owned.id FROM unnest($1::bigint[]) AS owned (id)
    WHERE NOT EXISTS (SELECT FROM market_chat.business b WHERE b.business_id = owned.id)
    ON CONFLICT DO NOTHING
)
SELECT
    owned.id AS business_id,
    coalesce(b.paused, false) AS paused,
    b.hold_reason,
    (extract(epoch FROM least(greatest(b.held_until, now()), now() + interval '1 day') - now()) * 1000000)::bigint
        AS hold_microseconds,
    b.quota_limit,
    b.quota_remaining,
    (extract(epoch FROM least(greatest(b.quota_resets_at, now()), now() + interval '1 day') - now()) * 1000000)::bigint
        AS quota_microseconds,
    -- NULL for one that is created here. From an infinite time nothing can be subtracted.
    CASE WHEN b.updated_at IS NOT NULL THEN
        (extract(epoch FROM now() - least(greatest(b.updated_at, now() - interval '1000 years'), now())) * 1000000)
            ::bigint
    END AS age_microseconds
FROM unnest($1::bigint[]) AS owned (id) LEFT JOIN market_chat.business b ON b.business_id = owned.id
