-- The rows of a business that are due and were tried before, of those near the front: in the order of outbox_due.sql, and
-- found in the same way. Only the first 200 due rows are looked at, since a million that were never tried may lie before
-- the next one.
--
-- Where only one type is wanted, they are the first 200 of that type; rows of the other one are walked over, so many in
-- each priority and no more.
--
-- Each LIMIT names a parameter: a planner that knows the number may think that all rows are wanted, and sort them.
--
-- $1 business id, $2 limit, $3 only rows of this type; NULL: of both.
WITH RECURSIVE level (priority) AS (
    (SELECT o.priority FROM market_chat.outbox o
    WHERE o.business_id = $1 AND o.state = 'pending' ORDER BY o.priority DESC LIMIT 1)
    UNION ALL
    SELECT (SELECT o.priority FROM market_chat.outbox o
        WHERE o.business_id = $1 AND o.state = 'pending' AND o.priority < level.priority
        ORDER BY o.priority DESC LIMIT 1)
    FROM level WHERE level.priority IS NOT NULL
)
SELECT
    front.*,
    -- Those before a person asked for the row anew do not count, nor those that were about the URL or the cabinet.
    (SELECT count(*) FROM market_chat.attempt a
        WHERE a.outbox_id = front.id AND a.http_status = 404 AND a.verdict <> 'deferred'
            AND a.at >= front.not_found_since) AS not_found_count
FROM (
    SELECT due.*
    FROM level CROSS JOIN LATERAL (
        SELECT walked.*
        FROM (
            SELECT
                o.id, o.context_type, o.context_id, o.priority, o.attempts, o.due_at, o.not_found_since,
                (extract(epoch FROM now() - o.not_found_since) * 1000000)::bigint AS not_found_microseconds
            FROM market_chat.outbox o
            WHERE o.business_id = $1 AND o.state = 'pending' AND o.priority = level.priority AND o.due_at <= now()
            ORDER BY o.due_at, o.id
            LIMIT greatest($2, 20000)
        ) AS walked
        WHERE $3::text IS NULL OR walked.context_type = $3
        LIMIT greatest($2, 200)
    ) AS due
    LIMIT greatest($2, 200)
) AS front
WHERE front.attempts > 0
LIMIT $2
