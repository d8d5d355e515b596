-- The rows of a business that are due and were never tried: higher priority first, then the earlier due_at, then the smaller id.
--
-- Each priority's part of the index outbox_pending is entered by itself, so rows that wait for a later time are not walked
-- over; nor, with a watermark, are the dead entries of rows that were settled before it. The nested loop keeps the order
-- of the priorities, so nothing is sorted and nothing beyond the limit is read.
--
-- Rows of a type that is not wanted are walked over, so many in each priority and no more.
--
-- Each LIMIT names a parameter: a planner that knows the number may think that all rows are wanted, and sort them.
--
-- $1 business id, $2 limit, $3 and $4 the watermark: within priority $3, nothing before $4 is read. NULL: all is.
-- $5 only rows of this type; NULL: of both.
WITH RECURSIVE level (priority) AS (
    SELECT coalesce(
        (SELECT o.priority FROM market_chat.outbox o
        WHERE o.business_id = $1 AND o.state = 'pending' AND o.priority > coalesce($3::integer, -40000)
        ORDER BY o.priority DESC LIMIT 1),
        $3)
    UNION ALL
    SELECT CASE
        WHEN level.priority > $3 THEN coalesce(
            (SELECT o.priority FROM market_chat.outbox o
            WHERE o.business_id = $1 AND o.state = 'pending' AND o.priority < level.priority AND o.priority > $3
            ORDER BY o.priority DESC LIMIT 1),
            $3)
        ELSE
            (SELECT o.priority FROM market_chat.outbox o
            WHERE o.business_id = $1 AND o.state = 'pending' AND o.priority < level.priority
            ORDER BY o.priority DESC LIMIT 1)
        END
    FROM level WHERE level.priority IS NOT NULL
)
SELECT due.*, 0::bigint AS not_found_count
FROM level CROSS JOIN LATERAL (
    SELECT walked.*
    FROM (
        SELECT
            o.id, o.context_type, o.context_id, o.priority, o.attempts, o.due_at,
            (extract(epoch FROM now() - o.not_found_since) * 1000000)::bigint AS not_found_microseconds
        FROM market_chat.outbox o
        WHERE o.business_id = $1 AND o.state = 'pending' AND o.priority = level.priority AND o.due_at <= now()
            AND o.due_at >= CASE WHEN level.priority = $3 THEN $4::timestamptz ELSE '-infinity' END
            AND o.attempts = 0
        ORDER BY o.due_at, o.id
        LIMIT greatest($2, 20000)
    ) AS walked
    WHERE $5::text IS NULL OR walked.context_type = $5
    LIMIT $2
) AS due
LIMIT $2
