-- The schema market_chat: an outbox of orders and returns whose buyers are to be written to.
--
-- Contract: a producer inserts into market_chat.outbox in its own order transaction, by INSERT ... ON CONFLICT DO
-- NOTHING or by market_chat.enqueue(); market-chatd settles each row in one transaction. See README.md.

CREATE TABLE market_chat.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    business_id bigint NOT NULL,
    context_type text NOT NULL,
    context_id bigint NOT NULL,
    priority smallint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'pending',
    chat_id bigint,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    not_found_since timestamptz,
    CONSTRAINT outbox_one_row_per_context UNIQUE (business_id, context_type, context_id),
    CONSTRAINT outbox_business_id_is_1_or_more CHECK (business_id >= 1),
    CONSTRAINT outbox_context_type_is_order_or_return CHECK (context_type IN ('ORDER', 'RETURN')),
    CONSTRAINT outbox_context_id_is_1_or_more CHECK (context_id >= 1),
    CONSTRAINT outbox_state_is_known CHECK (state IN ('pending', 'created', 'rejected')),
    CONSTRAINT outbox_chat_id_is_1_or_more CHECK (chat_id >= 1),
    CONSTRAINT outbox_only_created_has_chat_id CHECK ((state = 'created') = (chat_id IS NOT NULL)),
    CONSTRAINT outbox_settled_has_settled_at CHECK (state = 'pending' OR settled_at IS NOT NULL),
    CONSTRAINT outbox_attempts_is_0_or_more CHECK (attempts >= 0)
)
-- A queue: each row is updated once or twice, soon after its insertion, so the dead versions are swept often.
WITH (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 10000,
    autovacuum_analyze_scale_factor = 0.02,
    autovacuum_analyze_threshold = 500
);

COMMENT ON TABLE market_chat.outbox IS 'One row for each order or return that needs a chat';
COMMENT ON COLUMN market_chat.outbox.business_id IS 'The cabinet on the Market';
COMMENT ON COLUMN market_chat.outbox.context_type IS 'ORDER or RETURN';
COMMENT ON COLUMN market_chat.outbox.context_id IS 'The Market''s number of the order or the return';
COMMENT ON COLUMN market_chat.outbox.priority IS 'Higher goes first';
COMMENT ON COLUMN market_chat.outbox.due_at IS 'Not sent before';
COMMENT ON COLUMN market_chat.outbox.state IS 'pending, created or rejected';
COMMENT ON COLUMN market_chat.outbox.chat_id IS 'The chat, once the state is created; never changes then';
COMMENT ON COLUMN market_chat.outbox.attempts IS 'Exchanges that failed and put the row off';
COMMENT ON COLUMN market_chat.outbox.last_error IS 'Why it is not created; NULL once it is';
COMMENT ON COLUMN market_chat.outbox.settled_at IS 'When it left the state pending';
COMMENT ON COLUMN market_chat.outbox.not_found_since IS 'When the Market first did not find the order or return';

-- The order in which rows are sent.
CREATE INDEX outbox_pending ON market_chat.outbox (business_id, priority DESC, due_at, id) WHERE state = 'pending';
-- For retention, and for looking at what was settled lately.
CREATE INDEX outbox_settled ON market_chat.outbox (settled_at) WHERE state <> 'pending';

CREATE TABLE market_chat.attempt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    outbox_id bigint NOT NULL REFERENCES market_chat.outbox (id) ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT now(),
    http_status integer,
    code text,
    message text,
    trace_id text,
    verdict text NOT NULL
);
COMMENT ON TABLE market_chat.attempt IS 'Every exchange with the Market that did not give a chat';
COMMENT ON COLUMN market_chat.attempt.http_status IS 'NULL where no answer came';
COMMENT ON COLUMN market_chat.attempt.code IS 'The Market''s error code, or a word of market-chatd''s such as TIMEOUT';
COMMENT ON COLUMN market_chat.attempt.trace_id IS 'traceparent: what the vendor''s support asks for';
COMMENT ON COLUMN market_chat.attempt.verdict IS
    'rejected, backoff (put off), deferred (stays due) or refused (this database did not take the result)';
CREATE INDEX attempt_of_row ON market_chat.attempt (outbox_id, at);

CREATE TABLE market_chat.business (
    business_id bigint PRIMARY KEY,
    paused boolean NOT NULL DEFAULT false,
    held_until timestamptz,
    hold_reason text,
    quota_limit integer,
    quota_remaining integer,
    quota_resets_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now()
)
WITH (fillfactor = 50);
COMMENT ON TABLE market_chat.business IS 'What is known of each cabinet beyond the life of the process that serves it';
COMMENT ON COLUMN market_chat.business.paused IS 'An operator''s lever: nothing is sent while it is true';
COMMENT ON COLUMN market_chat.business.held_until IS 'Nothing is sent before, for hold_reason';
COMMENT ON COLUMN market_chat.business.quota_remaining IS 'As the Market''s last answer said';

-- Advisory locks. All keys are 64-bit hashes with a seed for each kind, so that they stay clear of yours.

-- Held by the session that owns the business, exclusively.
CREATE FUNCTION market_chat.owner_key(business_id bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN pg_catalog.hashint8extended(business_id, 7020250901);

-- Held exclusively by an owner that sleeps, and shared, to the end of their transactions, by producers that found it
-- awake. Businesses share 1024 keys: a server has room for some thousands of advisory locks. Two that share one notify
-- now and then without need.
CREATE FUNCTION market_chat.asleep_key(business_id bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.hashint8extended(pg_catalog.hashint8extended(business_id, 7020250902) & 1023, 7020250902);

-- Held exclusively by each daemon session, by its process id: whoever waits for it waits for the session's end.
CREATE FUNCTION market_chat.alive_key(backend_pid integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN pg_catalog.hashint8extended(backend_pid::bigint, 7020250903);

-- Wakes the owner, if it sleeps. NOTIFY in every transaction would make all commits of the cluster wait for each other,
-- so an owner that is awake is left alone: it looks by itself before it sleeps, and it cannot fall asleep while a
-- producer's transaction holds the shared lock.
--
-- PostgreSQL cannot PREPARE a transaction that notified. A producer with two-phase commit says
-- SET market_chat.notify = off, and its rows are noticed by the owner's poll.
CREATE FUNCTION market_chat.wake_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(pg_catalog.current_setting('market_chat.notify', true), 'on') <> 'off' THEN
        PERFORM pg_catalog.pg_notify('market_chat_wake', NEW.business_id::text);
    END IF;
    RETURN NULL;
END
$$;

-- The lock is tried in the condition, since calling a function costs every producer more than the lock does. The key is
-- asleep_key(NEW.business_id), written out for the same reason.
CREATE TRIGGER market_chat_wake_owner AFTER INSERT ON market_chat.outbox FOR EACH ROW
WHEN (
    NOT pg_catalog.pg_try_advisory_xact_lock_shared(
        pg_catalog.hashint8extended(pg_catalog.hashint8extended(NEW.business_id, 7020250902) & 1023, 7020250902))
)
EXECUTE FUNCTION market_chat.wake_owner();
-- Also where logical replication inserts.
ALTER TABLE market_chat.outbox ENABLE ALWAYS TRIGGER market_chat_wake_owner;

-- A person's change, by hand or by a command: rare, and worth a notification in any case.
CREATE FUNCTION market_chat.tell_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('market_chat_wake', NEW.business_id::text);
    RETURN NULL;
END
$$;

CREATE TRIGGER market_chat_tell_owner AFTER UPDATE ON market_chat.outbox FOR EACH ROW
WHEN (
    NEW.state = 'pending'
    AND (OLD.state <> 'pending' OR NEW.due_at < OLD.due_at OR NEW.priority > OLD.priority)
)
EXECUTE FUNCTION market_chat.tell_owner();

CREATE TRIGGER market_chat_tell_owner AFTER UPDATE ON market_chat.business FOR EACH ROW
WHEN (NEW.paused IS DISTINCT FROM OLD.paused)
EXECUTE FUNCTION market_chat.tell_owner();

CREATE TRIGGER market_chat_tell_owner_of_new AFTER INSERT ON market_chat.business FOR EACH ROW
WHEN (NEW.paused)
EXECUTE FUNCTION market_chat.tell_owner();

-- Puts an order or a return into the outbox, once.
--
-- Returns the id of the new row, or of the row that is there already, which stays as it is.
CREATE FUNCTION market_chat.enqueue(
    business_id bigint, context_type text, context_id bigint, priority smallint DEFAULT 0,
    due_at timestamptz DEFAULT now()
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    row_id bigint;
BEGIN
    -- More than once only where the row was deleted in between.
    FOR round IN 1..10 LOOP
        INSERT INTO market_chat.outbox AS o (business_id, context_type, context_id, priority, due_at)
        VALUES (
            enqueue.business_id, enqueue.context_type, enqueue.context_id, coalesce(enqueue.priority, 0),
            coalesce(enqueue.due_at, now()))
        ON CONFLICT ON CONSTRAINT outbox_one_row_per_context DO NOTHING
        RETURNING o.id INTO row_id;
        IF FOUND THEN
            RETURN row_id;
        END IF;
        SELECT o.id INTO row_id FROM market_chat.outbox AS o
        WHERE o.business_id = enqueue.business_id AND o.context_type = enqueue.context_type
            AND o.context_id = enqueue.context_id;
        IF FOUND THEN
            RETURN row_id;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'market_chat.enqueue: the row is neither inserted nor to be seen'
        USING HINT = 'Does a BEFORE INSERT trigger on market_chat.outbox return NULL, or does row security hide the row?';
END
$$;

-- The same for a priority that is written as a plain number, which PostgreSQL takes for an integer, or given by a driver
-- without a type. (double precision is what PostgreSQL prefers of all numbers, so it is never in doubt which one is meant.)
CREATE FUNCTION market_chat.enqueue(
    business_id bigint, context_type text, context_id bigint, priority double precision, due_at timestamptz DEFAULT now()
) RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
    SELECT market_chat.enqueue(business_id, context_type, context_id, priority::smallint, due_at);
END;

-- None of these can do what its caller cannot; and a producer's INSERT calls some of them.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA market_chat TO PUBLIC;
