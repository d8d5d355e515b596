-- Writes results, all of them or none: each row's transition out of the state pending, the exchanges that gave no chat,
-- and a notification for each chat that was created.
--
-- Rows that somebody else has locked are waited for, or left out. To ask for the free ones first costs a fifth more, so
-- that is done only where the first try met a lock.
--
-- (o.state = 'pending') IS TRUE, since a planner that saw an empty queue would take o.state = 'pending' for a reason to
-- read the whole index outbox_pending. o.id = ANY (ARRAY[r.row_id]), since a plan that was made while the outbox was empty
-- would read the whole index outbox_pkey for o.id = r.row_id, in the order that a join could use. And no two results are
-- joined: each time the planner takes 256 of them for a few, and compares each with each.
--
-- In the order of the row ids: so settlements lock your rows in the same order each time.
--
-- $1 row ids, $2 attempts as they were read, $3 changes (created, rejected, backoff, deferred), $4 chat ids,
-- $5 microseconds of a backoff, $6 HTTP statuses, $7 codes, $8 messages, $9 trace ids, $10 whether there was an
-- exchange to tell of, $11 whether locked rows are left out.
WITH result AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::bigint[], $2::integer[], $3::text[], $4::bigint[], $5::bigint[], $6::integer[], $7::text[], $8::text[],
        $9::text[], $10::boolean[]
    ) AS r (row_id, attempts, change, chat_id, delay, http_status, code, message, trace_id, has_exchange)
    ORDER BY r.row_id
), free AS MATERIALIZED (
    SELECT o.id FROM market_chat.outbox AS o
    WHERE $11::boolean AND o.id = ANY ($1::bigint[]) AND (o.state = 'pending') IS TRUE
    ORDER BY o.id
    FOR NO KEY UPDATE OF o SKIP LOCKED
), written AS (
    UPDATE market_chat.outbox AS o SET
        state = CASE WHEN r.change IN ('created', 'rejected') THEN r.change ELSE o.state END,
        chat_id = CASE WHEN r.change = 'created' THEN r.chat_id END,
        settled_at = CASE WHEN r.change IN ('created', 'rejected') THEN now() END,
        attempts = o.attempts + CASE WHEN r.change IN ('rejected', 'backoff') THEN 1 ELSE 0 END,
        due_at = CASE WHEN r.change = 'backoff' THEN now() + r.delay * interval '1 microsecond' ELSE o.due_at END,
        last_error = CASE WHEN r.change <> 'created'
            THEN concat_ws(' ', r.http_status::text, concat_ws(': ', r.code, r.message)) END,
        not_found_since = CASE WHEN r.http_status = 404 AND r.change IN ('rejected', 'backoff')
            THEN coalesce(o.not_found_since, now()) ELSE o.not_found_since END
    FROM result AS r
    WHERE o.id = ANY (ARRAY[r.row_id])
        AND (o.state = 'pending') IS TRUE
        AND (NOT $11::boolean OR r.row_id IN (SELECT f.id FROM free AS f))
        -- Written twice, where the answer to the first commit was lost, a backoff burns one attempt.
        AND (r.change <> 'backoff' OR o.attempts = r.attempts)
    RETURNING
        o.id, o.business_id, o.context_type, o.context_id, o.chat_id,
        r.change, r.http_status, r.code, r.message, r.trace_id, r.has_exchange
), told AS (
    INSERT INTO market_chat.attempt (outbox_id, http_status, code, message, trace_id, verdict)
    SELECT w.id, w.http_status, w.code, w.message, w.trace_id, w.change FROM written AS w WHERE w.has_exchange
)
SELECT
    w.id,
    true AS is_written,
    true AS is_free,
    CASE WHEN w.chat_id IS NOT NULL THEN pg_notify(
        'market_chat_created',
        format(
            '{"id":%s,"business_id":%s,"context_type":"%s","context_id":%s,"chat_id":%s}',
            w.id, w.business_id, w.context_type, w.context_id, w.chat_id)
    ) IS NULL END AS is_told
FROM written AS w
UNION ALL
-- Rows that could have been written and were not. A free one: a BEFORE trigger that returns NULL, or row security. One
-- that is not: somebody else has locked it, or row security hides it from an UPDATE.
SELECT r.row_id, false, NOT $11::boolean OR r.row_id IN (SELECT f.id FROM free AS f), NULL
FROM result AS r JOIN market_chat.outbox AS o ON o.id = ANY (ARRAY[r.row_id])
WHERE (o.state = 'pending') IS TRUE
    AND (r.change <> 'backoff' OR o.attempts = r.attempts)
    AND r.row_id NOT IN (SELECT w.id FROM written AS w)
