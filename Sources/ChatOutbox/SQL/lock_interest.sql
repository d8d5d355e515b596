-- From now on whoever wakes up on this key tells us: see lock_interest_tell.sql. Held shared, to the session's end or
-- lock_interest_end.sql. The wait, if any, is for the end of another's lock_interest_tell.sql.
--
-- $1 an asleep_key.
SELECT pg_advisory_lock_shared(hashint8extended($1::bigint, 7020250904))
