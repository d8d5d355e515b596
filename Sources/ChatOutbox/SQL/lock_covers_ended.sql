-- Of some keys those on which nobody sleeps.
--
-- $1 asleep_keys.
SELECT covered.key FROM unnest($1::bigint[]) AS covered (key) WHERE pg_try_advisory_xact_lock_shared(covered.key)
