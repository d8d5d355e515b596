-- Whether a business is paused, and when its next row that is not due yet will be due.
--
-- Each priority's part of the index outbox_pending is entered by itself: however many rows wait for a later time, none
-- of them is walked over.
--
-- $1 business id.
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
    coalesce((SELECT b.paused FROM market_chat.business b WHERE b.business_id = $1), false) AS paused,
    -- At most a day: a later look sees further.
    CASE WHEN min(next.due_at) IS NOT NULL THEN
        (extract(epoch FROM least(min(next.due_at), now() + interval '1 day') - now()) * 1000000)::bigint
    END AS next_microseconds
FROM level CROSS JOIN LATERAL (
    SELECT o.due_at FROM market_chat.outbox o
    WHERE o.business_id = $1 AND o.state = 'pending' AND o.priority = level.priority AND o.due_at > now()
    ORDER BY o.due_at LIMIT 1
) AS next
