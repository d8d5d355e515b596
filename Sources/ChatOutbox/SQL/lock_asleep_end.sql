-- Lets go of keys, once for each time that they are named.
--
-- $1 asleep_keys.
SELECT pg_advisory_unlock(held.key) FROM unnest($1::bigint[]) AS held (key)
