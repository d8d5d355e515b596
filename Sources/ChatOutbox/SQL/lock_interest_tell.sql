-- Tells the sessions that took an interest in keys that producers notify no more because of us. After the keys were let
-- go of, since a session takes its interest first and then tries the key: so either it gets the key, or it is told.
--
-- $1 asleep_keys, $2 whether to tell in any case: a session's own interest is no obstacle to its own lock.
SELECT pg_notify('market_chat_wake', '/' || woken.key)
FROM unnest($1::bigint[]) AS woken (key)
WHERE $2::boolean OR NOT pg_try_advisory_xact_lock(hashint8extended(woken.key, 7020250904))
