-- Tries once more, and asks who is in the way. Producers hold the key shared, so that we can too; a sleeper holds it
-- exclusively, and so does, for a while, who waits for producers.
--
-- $1 an asleep_key.
SELECT CASE
    WHEN pg_try_advisory_lock($1::bigint) THEN 'asleep'
    WHEN pg_try_advisory_xact_lock_shared($1::bigint) THEN 'producers'
    ELSE 'covered'
END AS answer
