-- What went wrong with rows of the last 24 hours and is not yet over, by business and kind: the worst first.
--
-- $1 the first id of the last 24 hours, $2 groups at most, $3 business id or NULL.
SELECT
    o.business_id, last.http_status, last.code, last.verdict,
    count(*) AS rows,
    count(*) FILTER (WHERE o.state = 'rejected') AS rejected,
    (array_agg(o.id ORDER BY last.at DESC))[1] AS outbox_id,
    (array_agg(last.message ORDER BY last.at DESC))[1] AS message,
    (array_agg(last.trace_id ORDER BY last.at DESC))[1] AS trace_id,
    (extract(epoch FROM statement_timestamp() - max(last.at)) * 1000000)::bigint AS age_microseconds
FROM market_chat.outbox AS o
CROSS JOIN LATERAL (
    SELECT e.* FROM market_chat.attempt AS e WHERE e.outbox_id = o.id ORDER BY e.id DESC LIMIT 1
) AS last
WHERE o.id >= $1::bigint AND o.state <> 'created' AND ($3::bigint IS NULL OR o.business_id = $3::bigint)
GROUP BY o.business_id, last.http_status, last.code, last.verdict
ORDER BY count(*) DESC, o.business_id LIMIT $2::bigint
