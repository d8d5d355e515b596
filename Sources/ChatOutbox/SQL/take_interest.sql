-- From now on whoever wakes up on this key tells us: see tell_interested.sql. Held shared, to the session's end or
-- drop_interest.sql. The wait, if any, is for the end of another's tell_interested.sql.
--
-- $1 an asleep_key.
SELECT pg_advisory_lock_shared(hashint8extended($1::bigint, 7020250904))
