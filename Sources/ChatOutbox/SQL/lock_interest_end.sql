-- The opposite of lock_interest.sql.
--
-- $1 an asleep_key.
SELECT pg_advisory_unlock_shared(hashint8extended($1::bigint, 7020250904))
