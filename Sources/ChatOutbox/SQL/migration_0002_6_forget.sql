-- Version 2, step 6: each row's exchanges before the last 50. Repeated, each time in a transaction of its own, with the last
-- row that was looked at, until no row comes back.
--
-- $1 0 at first, then last_outbox_id; $2 so many rows of the outbox at most.
WITH RECURSIVE told (outbox_id, number) AS (
    (SELECT a.outbox_id, 1 FROM market_chat.attempt AS a WHERE a.outbox_id > $1::bigint ORDER BY a.outbox_id LIMIT 1)
    UNION ALL
    SELECT next.outbox_id, told.number + 1
    FROM told CROSS JOIN LATERAL (
        SELECT a.outbox_id FROM market_chat.attempt AS a WHERE a.outbox_id > told.outbox_id ORDER BY a.outbox_id LIMIT 1
    ) AS next
    WHERE told.number < $2::integer
), old AS MATERIALIZED (
    SELECT told.outbox_id, kept.id
    FROM told CROSS JOIN LATERAL (
        SELECT a.id FROM market_chat.attempt AS a WHERE a.outbox_id = told.outbox_id ORDER BY a.id DESC OFFSET 50 LIMIT 1
    ) AS kept
), deleted AS (
    DELETE FROM market_chat.attempt AS a USING old WHERE a.outbox_id = old.outbox_id AND a.id <= old.id
    RETURNING a.id
)
SELECT max(told.outbox_id) AS last_outbox_id, (SELECT count(*) FROM deleted) AS deleted
FROM told HAVING count(*) > 0
