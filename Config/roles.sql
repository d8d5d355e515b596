-- Two roles with no more than they need. Run it after 'market-chatd migrate', and again after each upgrade, as a superuser,
-- or as the owner of the schema market_chat with the right to create roles (which it needs only where they are missing).
-- It is safe to run twice. Adapt the names; give the roles what they need to log in (a password, or a line in pg_hba.conf)
-- yourself:
--
--   psql -d shop -f roles.sql
--   psql -d shop -c '\password market_chatd'

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'market_chatd') THEN
        CREATE ROLE market_chatd LOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- Somebody else was faster.
END
$$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'market_chat_producer') THEN
        CREATE ROLE market_chat_producer NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- Somebody else was faster.
END
$$;

-- The daemon: it reads due rows, settles them, and keeps what it knows of each business. It changes no order's identity,
-- and it deletes nothing.
GRANT USAGE ON SCHEMA market_chat TO market_chatd;
GRANT SELECT ON market_chat.migration, market_chat.upgrade TO market_chatd;
GRANT SELECT, UPDATE (state, chat_id, attempts, last_error, due_at, settled_at, not_found_since)
    ON market_chat.outbox TO market_chatd;
GRANT SELECT, INSERT ON market_chat.attempt TO market_chatd;
GRANT SELECT, INSERT, UPDATE ON market_chat.business TO market_chatd;
-- A person's commands work with the daemon's role, too: explain says why a row waits.
GRANT SELECT ON market_chat.waiting TO market_chatd;
-- Only with CHATD_RETENTION, which deletes settled rows, and their attempts with them:
--   GRANT DELETE ON market_chat.outbox TO market_chatd;

-- A producer: it enqueues, by INSERT or by market_chat.enqueue(), and reads states and chat IDs. Make the role of your
-- order system a member of it:
--   GRANT market_chat_producer TO my_order_system;
GRANT USAGE ON SCHEMA market_chat TO market_chat_producer;
GRANT SELECT, INSERT (business_id, context_type, context_id, priority, due_at)
    ON market_chat.outbox TO market_chat_producer;
-- What the Market said of each row, why rows wait, and what is known of each cabinet.
GRANT SELECT ON market_chat.attempt, market_chat.waiting, market_chat.business TO market_chat_producer;
