-- While this waits in the lock's queue, a producer's try for the shared lock fails, so it notifies.
--
-- $1 an asleep_key.
SELECT pg_advisory_xact_lock($1::bigint)
