-- Deletes some rows that were settled long ago, with their attempts, on a walk along the primary key. A row that somebody
-- has locked is passed over: the next walk meets it again.
--
-- The walk ends where all rows of a step are younger than that: none of the later ones can have been settled before.
--
-- $1 microseconds since they were settled, at least; $2 how many rows are looked at, at most; $3 the last id of the step
-- before, 0 at first.
WITH looked AS MATERIALIZED (
    SELECT
        o.id, o.created_at < now() - $1::bigint * interval '1 microsecond' AS is_old,
        (o.state = 'pending') IS FALSE AND o.settled_at < now() - $1::bigint * interval '1 microsecond' AS is_settled
    FROM market_chat.outbox AS o WHERE o.id > $3::bigint ORDER BY o.id LIMIT $2::integer
), free AS MATERIALIZED (
    SELECT o.id FROM market_chat.outbox AS o
    WHERE o.id = ANY (ARRAY(SELECT l.id FROM looked AS l WHERE l.is_settled)) AND (o.state = 'pending') IS FALSE
    ORDER BY o.id
    FOR UPDATE SKIP LOCKED
), deleted AS (
    DELETE FROM market_chat.outbox AS o WHERE o.id = ANY (ARRAY(SELECT f.id FROM free AS f)) RETURNING o.id
)
SELECT
    coalesce((SELECT max(l.id) FROM looked AS l), $3::bigint) AS last_id,
    (SELECT count(*) FROM deleted) AS deleted,
    (SELECT count(*) < $2::integer OR NOT bool_or(l.is_old) FROM looked AS l) AS is_end
