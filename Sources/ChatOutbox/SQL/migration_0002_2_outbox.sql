-- Version 2, step 2: the outbox. In a transaction with a very short lock_timeout, tried again: while it waits for its lock,
-- every INSERT waits behind it.
LOCK TABLE market_chat.outbox IN ACCESS EXCLUSIVE MODE;

ALTER TABLE market_chat.outbox
    DROP CONSTRAINT IF EXISTS outbox_state_is_known,
    DROP CONSTRAINT IF EXISTS outbox_chat_id_is_1_or_more,
    DROP CONSTRAINT IF EXISTS outbox_only_created_has_chat_id,
    DROP CONSTRAINT IF EXISTS outbox_settled_has_settled_at,
    DROP CONSTRAINT IF EXISTS outbox_attempts_is_0_or_more,
    -- No settlement is a heap-only update, since the index outbox_pending depends on the state.
    RESET (fillfactor);

CREATE OR REPLACE TRIGGER market_chat_refuse_change AFTER UPDATE ON market_chat.outbox FOR EACH ROW
WHEN (
    CASE NEW.state
        WHEN 'pending' THEN NEW.chat_id IS NOT NULL
        WHEN 'created' THEN NEW.settled_at IS NULL OR NEW.chat_id IS NULL OR NEW.chat_id < 1
        WHEN 'rejected' THEN NEW.settled_at IS NULL OR NEW.chat_id IS NOT NULL
        ELSE true
    END
    OR NEW.attempts < 0
)
EXECUTE FUNCTION market_chat.refuse_change();

-- Each INSERT reads the trigger's condition anew, and the constraints', and works out what is constant in them, which takes
-- several times as long as the lock and the comparisons. So the constants are of the right type at once: '1023', not 1023,
-- which is an integer. It is the key of version 1, asleep_key(NEW.business_id), on which owners sleep during the upgrade, too.
CREATE OR REPLACE TRIGGER market_chat_wake_owner AFTER INSERT ON market_chat.outbox FOR EACH ROW
WHEN (
    NOT pg_catalog.pg_try_advisory_xact_lock_shared(
        pg_catalog.hashint8extended(pg_catalog.hashint8extended(NEW.business_id, 7020250902) & '1023', 7020250902))
)
EXECUTE FUNCTION market_chat.wake_owner();
ALTER TABLE market_chat.outbox ENABLE ALWAYS TRIGGER market_chat_wake_owner;

-- The last step looks at the rows that are there, without this lock.
ALTER TABLE market_chat.outbox
    DROP CONSTRAINT IF EXISTS outbox_context_type_is_order_or_return,
    ADD CONSTRAINT outbox_context_type_is_order_or_return CHECK (context_type = ANY ('{ORDER, RETURN}')) NOT VALID;
