-- Puts a row off whose result this database refused, and says why.
--
-- $1 row id, $2 attempts as they were read, $3 microseconds, $4 SQLSTATE, $5 the database's own text.
WITH written AS (
    UPDATE market_chat.outbox AS o SET
        attempts = o.attempts + 1,
        due_at = now() + $3::bigint * interval '1 microsecond',
        last_error = concat_ws(' ', 'result not written:', $4::text, $5::text)
    WHERE o.id = $1::bigint AND o.state = 'pending' AND o.attempts = $2::integer
    RETURNING o.id
)
INSERT INTO market_chat.attempt (outbox_id, code, message, verdict)
SELECT w.id, $4::text, $5::text, 'refused' FROM written AS w
