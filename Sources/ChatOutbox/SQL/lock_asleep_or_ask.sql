-- Tries once more, and asks who is in the way: a sleeper holds the key exclusively, and producers hold it shared.
--
-- Who only waits for it is no cover: the process of a dead session goes on waiting until its lock_timeout, and its end tells
-- nobody.
--
-- $1 an asleep_key.
SELECT CASE
    WHEN pg_try_advisory_lock($1::bigint) THEN 'asleep'
    WHEN EXISTS (
        SELECT FROM pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ExclusiveLock'
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
            AND ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint
    ) THEN 'covered'
    ELSE 'producers'
END AS answer
