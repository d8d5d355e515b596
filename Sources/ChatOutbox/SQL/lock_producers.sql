-- Waits for the ends of transactions in which producers found an owner awake. While this waits in the lock's queue, a
-- producer's try for the shared lock fails, so it notifies.
--
-- For the end of the wait see lock_owner_end.sql.
--
-- market_chat.awaited: an asleep_key.
DO $$
BEGIN
    PERFORM pg_advisory_xact_lock(current_setting('market_chat.awaited')::bigint);
EXCEPTION WHEN lock_not_available OR query_canceled THEN
    NULL;
END
$$
