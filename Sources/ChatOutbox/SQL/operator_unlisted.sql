-- Businesses with pending rows that are not among those that are served, and how many rows each has.
--
-- $1 business ids, $2 businesses at most, $3 rows of each that are counted at most.
WITH RECURSIVE waiting (id) AS (
    (SELECT o.business_id FROM market_chat.outbox AS o WHERE o.state = 'pending' ORDER BY o.business_id LIMIT 1)
    UNION ALL
    SELECT (SELECT o.business_id FROM market_chat.outbox AS o
        WHERE o.state = 'pending' AND o.business_id > waiting.id ORDER BY o.business_id LIMIT 1)
    FROM waiting WHERE waiting.id IS NOT NULL
)
SELECT waiting.id AS business_id, (
        SELECT count(*) FROM (
            SELECT FROM market_chat.outbox AS o WHERE o.business_id = waiting.id AND o.state = 'pending' LIMIT $3::bigint
        ) AS counted
    ) AS rows,
    -- Another instance may serve it.
    EXISTS (
        SELECT FROM pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ExclusiveLock'
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
            AND ((l.classid::bigint << 32) | l.objid::bigint) = market_chat.owner_key(waiting.id)
    ) AS has_owner
FROM waiting WHERE waiting.id IS NOT NULL AND waiting.id <> ALL ($1::bigint[]) LIMIT $2::bigint
