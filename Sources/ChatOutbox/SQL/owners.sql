-- Which sessions own businesses.
--
-- $1 business ids.
SELECT wanted.id AS business_id, held.pid
FROM unnest($1::bigint[]) AS wanted (id)
LEFT JOIN (
    SELECT l.pid, (l.classid::bigint << 32) | l.objid::bigint AS key
    FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ExclusiveLock'
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
) AS held ON held.key = market_chat.owner_key(wanted.id)
