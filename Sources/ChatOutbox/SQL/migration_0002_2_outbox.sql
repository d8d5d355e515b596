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

-- The key on which an owner sleeps, in fewer words: each INSERT reads the trigger's condition anew, and that takes five times
-- as long as the lock. No producer is between the two keys, since the table is locked; owners that sleep on the old key are
-- woken with the commit, and fall asleep on the new one.
CREATE OR REPLACE FUNCTION market_chat.asleep_key(business_id bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (business_id & 1023) + 7020250902000;

CREATE OR REPLACE TRIGGER market_chat_wake_owner AFTER INSERT ON market_chat.outbox FOR EACH ROW
WHEN (NOT pg_catalog.pg_try_advisory_xact_lock_shared((NEW.business_id & 1023) + 7020250902000))
EXECUTE FUNCTION market_chat.wake_owner();
ALTER TABLE market_chat.outbox ENABLE ALWAYS TRIGGER market_chat_wake_owner;

SELECT pg_catalog.pg_notify('market_chat_wake', b.business_id::text) FROM market_chat.business AS b;
