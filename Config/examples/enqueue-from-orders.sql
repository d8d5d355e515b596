-- Asks for a chat as soon as an order or a return of yours needs one, in the transaction that says so.
--
--   psql -d shop -f enqueue-from-orders.sql       as the owner of the tables, after `market-chatd migrate`
--
-- Safe to run twice. Change shop.orders, shop.returns, their columns and the status to your own.
--
-- It is one transaction, so there is no order without its request, and no request for an order that was rolled back.
-- And it is cheap: one small row. The Market is called later, by market-chatd, never while your transaction is open.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- The argument says what kind of number NEW.id is: 'ORDER' or 'RETURN', as the Market calls them.
--
-- It runs with the rights of whoever changes the order, so that role has to be a producer: a member of
-- market_chat_producer, to which Config/roles.sql grants what market_chat.enqueue() needs, and no more. Where you do
-- not want to grant that to every role that writes orders, add SECURITY DEFINER SET search_path = pg_catalog, pg_temp,
-- and make the owner of the function a producer.
CREATE OR REPLACE FUNCTION shop.request_chat() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Asking twice does no harm: the second call finds the row of the first and leaves it as it is. A fourth argument
    -- is the priority (higher goes first), a fifth one the time before which the Market is not asked.
    PERFORM market_chat.enqueue(NEW.business_id, TG_ARGV[0], NEW.id);
    RETURN NULL;  -- Nobody looks at what an AFTER trigger returns.
END
$$;

CREATE OR REPLACE TRIGGER request_chat AFTER INSERT ON shop.orders
FOR EACH ROW WHEN (NEW.status = 'NEEDS_CHAT') EXECUTE FUNCTION shop.request_chat('ORDER');
-- Only where the value differs: "UPDATE OF status" asks whether the statement names the column, and most ORMs name all.
CREATE OR REPLACE TRIGGER request_chat_on_change AFTER UPDATE ON shop.orders
FOR EACH ROW WHEN (NEW.status = 'NEEDS_CHAT' AND OLD.status IS DISTINCT FROM NEW.status)
EXECUTE FUNCTION shop.request_chat('ORDER');

-- The Market has chats about returns of FBY, FBS and Express shops, not of DBS shops: it rejects those.
CREATE OR REPLACE TRIGGER request_chat AFTER INSERT ON shop.returns
FOR EACH ROW WHEN (NEW.status = 'NEEDS_CHAT') EXECUTE FUNCTION shop.request_chat('RETURN');
CREATE OR REPLACE TRIGGER request_chat_on_change AFTER UPDATE ON shop.returns
FOR EACH ROW WHEN (NEW.status = 'NEEDS_CHAT' AND OLD.status IS DISTINCT FROM NEW.status)
EXECUTE FUNCTION shop.request_chat('RETURN');

COMMIT;

-- Orders that are there already are not asked for by this file. If they shall be:
--   SELECT count(market_chat.enqueue(business_id, 'ORDER', id)) FROM shop.orders WHERE status = 'NEEDS_CHAT';
