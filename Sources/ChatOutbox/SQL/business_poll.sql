-- One look at each of the businesses that the session owns, which also proves that the session lives.
--
-- $1 business ids, $2 how many due rows of each priority are counted at most.
SELECT
    wanted.id AS business_id,
    pg_backend_pid() AS backend_pid,
    coalesce((SELECT b.paused FROM market_chat.business b WHERE b.business_id = wanted.id), false) AS paused,
    coalesce(sum(due.count), 0)::bigint AS due,
    CASE WHEN min(due.oldest) IS NOT NULL THEN
        -- From an infinite time nothing can be subtracted.
        (extract(epoch FROM now() - greatest(min(due.oldest), now() - interval '1000 years')) * 1000000)::bigint
    END AS oldest_microseconds
FROM unnest($1::bigint[]) AS wanted (id)
LEFT JOIN LATERAL (
    WITH RECURSIVE level (priority) AS (
        (SELECT o.priority FROM market_chat.outbox o
        WHERE o.business_id = wanted.id AND o.state = 'pending' ORDER BY o.priority DESC LIMIT 1)
        UNION ALL
        SELECT (SELECT o.priority FROM market_chat.outbox o
            WHERE o.business_id = wanted.id AND o.state = 'pending' AND o.priority < level.priority
            ORDER BY o.priority DESC LIMIT 1)
        FROM level WHERE level.priority IS NOT NULL
    )
    SELECT counted.*
    FROM level CROSS JOIN LATERAL (
        SELECT count(*), min(counting.due_at) AS oldest
        FROM (
            SELECT o.due_at FROM market_chat.outbox o
            WHERE o.business_id = wanted.id AND o.state = 'pending' AND o.priority = level.priority
                AND o.due_at <= now()
            ORDER BY o.due_at LIMIT $2
        ) AS counting
    ) AS counted
) AS due ON true
GROUP BY wanted.id
