-- Pauses or resumes a business. A trigger tells its owner.
--
-- $1 business id, $2 whether to pause it.
INSERT INTO market_chat.business AS b (business_id, paused) VALUES ($1::bigint, $2::boolean)
ON CONFLICT (business_id) DO UPDATE SET paused = excluded.paused
RETURNING
    -- A quota's hold ends by itself.
    CASE WHEN b.held_until > statement_timestamp() OR b.hold_reason NOT LIKE 'quota%' THEN b.hold_reason END
        AS hold_reason,
    -- From an infinite time nothing can be subtracted.
    (extract(epoch FROM least(greatest(b.held_until, statement_timestamp()), statement_timestamp() + interval '1000 years')
        - statement_timestamp()) * 1000000)::bigint AS hold_microseconds,
    EXISTS (
        SELECT FROM pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ExclusiveLock'
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
            AND ((l.classid::bigint << 32) | l.objid::bigint) = market_chat.owner_key(b.business_id)
    ) AS has_owner
