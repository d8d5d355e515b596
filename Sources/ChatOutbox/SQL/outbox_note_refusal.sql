-- Notes why this database refused a row's result. A note that is there already is not written again, and a row that
-- somebody has locked is not waited for.
--
-- $1 row id, $2 SQLSTATE, $3 the database's own text.
WITH note AS MATERIALIZED (
    SELECT concat_ws(' ', 'result not written:', $2::text, $3::text) AS text
), row AS MATERIALIZED (
    SELECT o.id FROM market_chat.outbox AS o JOIN note ON o.last_error IS DISTINCT FROM note.text
    WHERE o.id = $1::bigint AND (o.state = 'pending') IS TRUE
    FOR NO KEY UPDATE OF o SKIP LOCKED
), written AS (
    UPDATE market_chat.outbox AS o SET last_error = note.text
    FROM row, note
    WHERE o.id = $1::bigint AND o.id = row.id AND (o.state = 'pending') IS TRUE
    RETURNING o.id
), told AS (
    INSERT INTO market_chat.attempt (outbox_id, code, message, verdict)
    SELECT w.id, $2::text, $3::text, 'refused' FROM written AS w
)
SELECT
    EXISTS (SELECT FROM written)
    OR EXISTS (
        SELECT FROM market_chat.outbox AS o JOIN note ON o.last_error = note.text WHERE o.id = $1::bigint
    ) AS is_noted
