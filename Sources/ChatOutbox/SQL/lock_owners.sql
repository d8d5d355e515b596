-- Which sessions own businesses. A stranger holds an owner's key and yet is none of ours: ours hold their own alive_key first.
--
-- $1 business ids.
WITH held AS (
    SELECT l.pid, (l.classid::bigint << 32) | l.objid::bigint AS key
    FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ExclusiveLock'
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
)
SELECT wanted.id AS business_id, owner.pid,
    NOT EXISTS (
        SELECT FROM held AS alive WHERE alive.pid = owner.pid AND alive.key = market_chat.alive_key(owner.pid)
    ) AS is_stranger,
    coalesce(a.usename::text, '') AS role_name, coalesce(a.application_name, '') AS application_name
FROM unnest($1::bigint[]) AS wanted (id)
LEFT JOIN held AS owner ON owner.key = market_chat.owner_key(wanted.id)
LEFT JOIN pg_stat_activity AS a ON a.pid = owner.pid
