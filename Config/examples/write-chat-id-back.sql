-- Writes each chat ID into your own tables, in the transaction in which market-chatd settles the outbox's row.
--
--   psql -d shop -f write-chat-id-back.sql        as a superuser, or see "Who runs it"
--
-- Safe to run twice. Change shop.orders, shop.returns and their columns to your own.
--
-- It is one transaction, so the outbox and your tables never disagree: both know the chat, or neither does. For the
-- same reason, what fails here holds back the row that it fails for, and that row alone: it stays pending, its
-- last_error shows your error, and it is tried again later; its neighbours are settled as ever. Keep it short: while it
-- waits for a lock on your order, it waits in market-chatd's transaction.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- market-chatd settles rows under a role that has no rights on your tables, and needs none: SECURITY DEFINER makes
-- this function run with the rights of its owner. Such a function has to pin its search_path and to write every name
-- with its schema, or whoever calls it could put other tables under those names.
CREATE OR REPLACE FUNCTION shop.take_chat() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- chat_id is NULL unless the chat was created; last_error is NULL if it was. Where an operator makes a rejected row
    -- pending again, both are empty in your table until it is settled.
    IF NEW.context_type = 'ORDER' THEN
        UPDATE shop.orders SET
            chat_id = NEW.chat_id,
            chat_error = CASE WHEN NEW.state = 'rejected' THEN NEW.last_error END,
            chat_settled_at = NEW.settled_at
        WHERE business_id = NEW.business_id AND id = NEW.context_id;
    ELSE
        UPDATE shop.returns SET
            chat_id = NEW.chat_id,
            chat_error = CASE WHEN NEW.state = 'rejected' THEN NEW.last_error END,
            chat_settled_at = NEW.settled_at
        WHERE business_id = NEW.business_id AND id = NEW.context_id;
    END IF;
    RETURN NULL;  -- Nobody looks at what an AFTER trigger returns.
END
$$;

-- It may do no more than the owner of the orders may, whoever runs this file.
DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION shop.take_chat() OWNER TO %I',
        (SELECT tableowner FROM pg_catalog.pg_tables WHERE schemaname = 'shop' AND tablename = 'orders'));
END
$$;

-- Or anybody could put it on a table of their own, and write what they like into your orders. To run a trigger that is
-- there takes no such right.
REVOKE ALL ON FUNCTION shop.take_chat() FROM PUBLIC;

-- Only where the state changes: a row that is put off and tried again changes many times before. ("UPDATE OF state"
-- would not do: it asks whether the statement names the column, not whether its value changes.)
CREATE OR REPLACE TRIGGER shop_take_chat AFTER UPDATE ON market_chat.outbox
FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION shop.take_chat();

COMMIT;

-- Who runs it: a superuser, or the owner of your tables once it may put triggers on the outbox. The latter is a matter
-- of trust, since any trigger of theirs then runs with the rights of market-chatd's role:
--   GRANT USAGE ON SCHEMA market_chat TO shop_owner;
--   GRANT TRIGGER ON market_chat.outbox TO shop_owner;
--
-- Chats that were created before this file was run are in the outbox only. To take them over:
--   UPDATE shop.orders AS o SET chat_id = b.chat_id, chat_settled_at = b.settled_at FROM market_chat.outbox AS b
--   WHERE b.context_type = 'ORDER' AND b.state = 'created'
--       AND (b.business_id, b.context_id) = (o.business_id, o.id);
