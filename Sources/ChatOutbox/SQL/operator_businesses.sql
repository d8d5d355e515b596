-- What there is to tell of each business: those that are asked for, those that are known, and those with pending rows.
--
-- $1 business ids, $2 how many rows of each kind are counted at most, $3 the first id of the last 24 hours.
WITH RECURSIVE waiting (id) AS (
    (SELECT o.business_id FROM market_chat.outbox AS o WHERE o.state = 'pending' ORDER BY o.business_id LIMIT 1)
    UNION ALL
    SELECT (SELECT o.business_id FROM market_chat.outbox AS o
        WHERE o.state = 'pending' AND o.business_id > waiting.id ORDER BY o.business_id LIMIT 1)
    FROM waiting WHERE waiting.id IS NOT NULL
), wanted (id) AS (
    SELECT unnest($1::bigint[])
    UNION SELECT b.business_id FROM market_chat.business AS b
    UNION SELECT waiting.id FROM waiting WHERE waiting.id IS NOT NULL
), day AS (
    SELECT o.business_id, count(*) FILTER (WHERE o.state = 'created') AS created,
        count(*) FILTER (WHERE o.state = 'rejected') AS rejected
    FROM market_chat.outbox AS o WHERE o.id >= $3::bigint GROUP BY o.business_id
), held AS MATERIALIZED (
    SELECT l.pid, (l.classid::bigint << 32) | l.objid::bigint AS key
    FROM pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ExclusiveLock'
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
)
SELECT
    wanted.id AS business_id,
    owner.pid AS owner_pid,
    coalesce(a.application_name, '') AS owner_name,
    owner.pid IS NOT NULL AND NOT EXISTS (
        SELECT FROM held AS alive WHERE alive.pid = owner.pid AND alive.key = market_chat.alive_key(owner.pid)
    ) AS is_stranger,
    coalesce(b.paused, false) AS paused,
    b.hold_reason,
    -- least() and greatest() pass NULL over, and what nobody knows is not to become a number.
    CASE WHEN b.held_until IS NOT NULL THEN greatest(0, extract(epoch
        FROM least(b.held_until, statement_timestamp() + interval '1000 years') - statement_timestamp()) * 1000000)
    END::bigint AS hold_microseconds,
    b.quota_limit,
    b.quota_remaining,
    CASE WHEN b.quota_resets_at IS NOT NULL THEN greatest(0, extract(epoch
        FROM least(b.quota_resets_at, statement_timestamp() + interval '1000 years') - statement_timestamp()) * 1000000)
    END::bigint AS quota_microseconds,
    CASE WHEN b.updated_at IS NOT NULL THEN greatest(0, extract(epoch
        FROM statement_timestamp() - greatest(b.updated_at, statement_timestamp() - interval '1000 years')) * 1000000)
    END::bigint AS age_microseconds,
    pending.due,
    pending.later,
    CASE WHEN pending.oldest IS NOT NULL THEN extract(epoch
        FROM statement_timestamp() - greatest(pending.oldest, statement_timestamp() - interval '1000 years')) * 1000000
    END::bigint AS oldest_microseconds,
    CASE WHEN pending.next IS NOT NULL THEN extract(epoch
        FROM least(pending.next, statement_timestamp() + interval '1000 years') - statement_timestamp()) * 1000000
    END::bigint AS next_microseconds,
    coalesce(day.created, 0) AS created,
    coalesce(day.rejected, 0) AS rejected
FROM wanted
LEFT JOIN market_chat.business AS b ON b.business_id = wanted.id
LEFT JOIN held AS owner ON owner.key = market_chat.owner_key(wanted.id)
LEFT JOIN pg_stat_activity AS a ON a.pid = owner.pid
LEFT JOIN day ON day.business_id = wanted.id
LEFT JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE counted.due_at <= statement_timestamp()) AS due,
        count(*) FILTER (WHERE counted.due_at > statement_timestamp()) AS later,
        min(counted.due_at) FILTER (WHERE counted.due_at <= statement_timestamp()) AS oldest,
        min(counted.due_at) FILTER (WHERE counted.due_at > statement_timestamp()) AS next
    FROM (
        SELECT o.due_at FROM market_chat.outbox AS o
        WHERE o.business_id = wanted.id AND o.state = 'pending'
        ORDER BY o.priority DESC, o.due_at LIMIT $2::bigint
    ) AS counted
) AS pending ON true
ORDER BY wanted.id
