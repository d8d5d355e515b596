-- Version 2, step 1: what locks nothing that a producer needs, in one transaction.
--
-- Each step can be carried out again, and after each of them programs of version 1 work.

-- Which migrations the schema has seen, and the oldest program that works with it after each. Programs of version 1 read
-- the greatest number in market_chat.migration and refuse a greater one than their own: so there a row is added only by a
-- migration after which they do not work any more.
CREATE TABLE IF NOT EXISTS market_chat.upgrade (
    version integer PRIMARY KEY,
    name text NOT NULL,
    oldest_program integer NOT NULL CHECK (oldest_program <= version),
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE market_chat.upgrade IS 'Which migrations of market-chatd the schema has seen';
COMMENT ON COLUMN market_chat.upgrade.oldest_program IS
    'The version of the oldest program that works with the schema since then';
COMMENT ON TABLE market_chat.migration IS 'The same for programs of version 1: the greatest version that they work with';
INSERT INTO market_chat.upgrade (version, name, oldest_program, applied_at)
SELECT m.version, m.name, m.version, m.applied_at FROM market_chat.migration AS m
ON CONFLICT DO NOTHING;
-- It is no secret; and a daemon is to start before its role is looked after.
GRANT SELECT ON market_chat.upgrade TO PUBLIC;

-- Puts an order or a return into the outbox, once.
--
-- Returns the id of the new row, or of the row that is there already, which stays as it is.
--
-- It looks before it inserts: an INSERT that meets a row whose result is being written waits for it, ON CONFLICT DO
-- NOTHING or not, while a trigger of yours on that writing may wait for the order that you hold. A look waits for nobody.
-- Without sequential scans, since a session keeps the plan that it made when the table was almost empty.
CREATE OR REPLACE FUNCTION market_chat.enqueue(
    business_id bigint, context_type text, context_id bigint, priority smallint DEFAULT 0,
    due_at timestamptz DEFAULT now()
) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    row_id bigint;
    -- Said here, since an error of the table's own comes with the whole INSERT around it.
    mistake text := CASE
        WHEN (enqueue.business_id >= 1) IS NOT TRUE
            THEN 'business_id has to be 1 or more, and is ' || pg_catalog.quote_nullable(enqueue.business_id)
        WHEN (enqueue.context_type IN ('ORDER', 'RETURN')) IS NOT TRUE
            THEN 'context_type has to be ORDER or RETURN, and is ' || pg_catalog.quote_nullable(enqueue.context_type)
        WHEN (enqueue.context_id >= 1) IS NOT TRUE
            THEN 'context_id has to be 1 or more, and is ' || pg_catalog.quote_nullable(enqueue.context_id)
    END;
BEGIN
    IF mistake IS NOT NULL THEN
        RAISE EXCEPTION 'market_chat.enqueue: %', mistake USING ERRCODE = 'check_violation';
    END IF;
    -- More than once only where the row was inserted or deleted in between.
    FOR round IN 1..10 LOOP
        SELECT o.id INTO row_id FROM market_chat.outbox AS o
        WHERE o.business_id = enqueue.business_id AND o.context_type = enqueue.context_type
            AND o.context_id = enqueue.context_id;
        IF FOUND THEN
            RETURN row_id;
        END IF;
        INSERT INTO market_chat.outbox AS o (business_id, context_type, context_id, priority, due_at)
        VALUES (
            enqueue.business_id, enqueue.context_type, enqueue.context_id, coalesce(enqueue.priority, 0),
            coalesce(enqueue.due_at, now()))
        ON CONFLICT ON CONSTRAINT outbox_one_row_per_context DO NOTHING
        RETURNING o.id INTO row_id;
        IF FOUND THEN
            RETURN row_id;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'market_chat.enqueue: the row is neither inserted nor to be seen'
        USING HINT = 'Does a BEFORE INSERT trigger on market_chat.outbox return NULL, or does row security hide the row?';
END
$$;

-- A row's meaning, whoever changes it. Producers cannot write these columns, so their INSERTs need not pay for it.
CREATE OR REPLACE FUNCTION market_chat.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'market_chat.outbox: row % can not be like this: state %, chat_id %, settled_at %, attempts %',
        NEW.id, NEW.state, NEW.chat_id, NEW.settled_at, NEW.attempts
        USING ERRCODE = 'check_violation',
            HINT = 'state is pending, created or rejected; created rows have a chat_id of 1 or more, others none; settled rows'
                ' have a settled_at; attempts is 0 or more.';
END
$$;

-- Keeps the last 50 exchanges of a row. With its owner's rights, since whoever tells of exchanges may not delete any.
CREATE OR REPLACE FUNCTION market_chat.forget_old_attempts() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM market_chat.attempt AS a
    WHERE a.outbox_id = NEW.outbox_id AND a.id <= (
        SELECT kept.id FROM market_chat.attempt AS kept WHERE kept.outbox_id = NEW.outbox_id
        ORDER BY kept.id DESC OFFSET 50 LIMIT 1);
    RETURN NULL;
END
$$;

-- Why each pending row waits. With its owner's rights: it tells of a business no more than why the row waits.
CREATE OR REPLACE VIEW market_chat.waiting AS
SELECT
    o.id AS outbox_id, o.business_id, o.context_type, o.context_id,
    CASE
        WHEN b.paused THEN 'paused'
        WHEN owner.key IS NULL THEN 'no owner'
        WHEN o.due_at > statement_timestamp() AND (hold.reason IS NULL OR o.due_at >= b.held_until) THEN
            CASE WHEN o.attempts = 0 AND o.last_error IS NULL THEN 'scheduled' ELSE 'backoff' END
        WHEN hold.reason IS NOT NULL THEN 'held: ' || hold.reason
        WHEN o.last_error LIKE 'result not written:%' THEN 'backoff: its result cannot be written, see last_error'
        ELSE 'due'
    END AS reason,
    CASE
        WHEN b.paused OR owner.key IS NULL THEN NULL
        WHEN hold.reason IS NOT NULL THEN greatest(o.due_at, b.held_until)
        ELSE o.due_at
    END AS next_try_at,
    o.created_at AS waiting_since,
    o.attempts,
    o.last_error
FROM market_chat.outbox AS o
LEFT JOIN market_chat.business AS b ON b.business_id = o.business_id
-- A circuit may be open for one of the two types alone: 'circuit: ORDER: ...'. A quota's hold ends by itself.
LEFT JOIN LATERAL (
    SELECT b.hold_reason AS reason
    WHERE b.hold_reason IS NOT NULL
        AND (b.hold_reason NOT LIKE 'circuit: %: %' OR b.hold_reason LIKE 'circuit: %and%: %'
            OR b.hold_reason LIKE 'circuit: ' || o.context_type || ': %')
        AND (b.held_until > statement_timestamp() OR b.hold_reason NOT LIKE 'quota%')
) AS hold ON true
LEFT JOIN (
    SELECT DISTINCT (l.classid::bigint << 32) | l.objid::bigint AS key
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ExclusiveLock'
        AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
) AS owner ON owner.key = market_chat.owner_key(o.business_id)
WHERE o.state = 'pending';
COMMENT ON VIEW market_chat.waiting IS 'Why each pending row waits';
COMMENT ON COLUMN market_chat.waiting.reason IS
    'Begins with due, scheduled (never tried, due later), backoff, held: ..., paused or no owner';
COMMENT ON COLUMN market_chat.waiting.next_try_at IS 'Not tried before; NULL: nobody knows';
COMMENT ON COLUMN market_chat.waiting.waiting_since IS 'When the row was inserted';

-- Whoever may read the outbox may read it, and whoever could call the functions of version 1 may call these.
DO $$
DECLARE
    reader oid;
BEGIN
    FOR reader IN
        SELECT DISTINCT granted.grantee
        FROM pg_catalog.pg_class AS c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS granted
        WHERE c.oid = 'market_chat.outbox'::regclass AND granted.privilege_type = 'SELECT'
            AND granted.grantee <> c.relowner
    LOOP
        EXECUTE pg_catalog.format(
            'GRANT SELECT ON market_chat.waiting TO %s',
            CASE reader WHEN 0 THEN 'PUBLIC' ELSE reader::regrole::text END);
    END LOOP;
END
$$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA market_chat TO PUBLIC;
