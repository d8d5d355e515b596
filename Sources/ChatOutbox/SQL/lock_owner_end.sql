-- Waits for the end of a session, which holds its alive_key as long as it lives.
--
-- The end of the wait is caught here, be it lock_timeout or a cancellation: else each poll of a standby would leave an error
-- in the server's log.
--
-- market_chat.awaited: the session's process id.
DO $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(market_chat.alive_key(current_setting('market_chat.awaited')::integer));
EXCEPTION WHEN lock_not_available OR query_canceled THEN
    NULL;
END
$$
