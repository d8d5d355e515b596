-- Businesses with pending rows that are neither among those given nor owned by anybody, and how many rows each has.
--
-- $1 business ids, $2 businesses at most, $3 rows of each that are counted at most.
WITH RECURSIVE waiting (id) AS (
    (SELECT o.business_id FROM market_chat.outbox AS o WHERE o.state = 'pending' ORDER BY o.business_id LIMIT 1)
    UNION ALL
    SELECT (SELECT o.business_id FROM market_chat.outbox AS o
        WHERE o.state = 'pending' AND o.business_id > waiting.id ORDER BY o.business_id LIMIT 1)
    FROM waiting WHERE waiting.id IS NOT NULL
), owned AS MATERIALIZED (
    -- Read once: with thousands of businesses there are thousands of locks.
    SELECT (l.classid::bigint << 32) | l.objid::bigint AS owner_key
    FROM pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ExclusiveLock'
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
)
SELECT waiting.id AS business_id, (
        SELECT count(*) FROM (
            SELECT FROM market_chat.outbox AS o WHERE o.business_id = waiting.id AND o.state = 'pending' LIMIT $3::bigint
        ) AS counted
    ) AS rows
FROM waiting
WHERE waiting.id IS NOT NULL AND waiting.id <> ALL ($1::bigint[])
    -- Another instance may serve it.
    AND market_chat.owner_key(waiting.id) NOT IN (SELECT owned.owner_key FROM owned)
LIMIT $2::bigint
