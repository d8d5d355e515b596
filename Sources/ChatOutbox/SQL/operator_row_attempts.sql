-- The exchanges of one row that gave no chat, the oldest first.
--
-- $1 row id.
SELECT
    coalesce(to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), e.at::text) AS at,
    e.http_status, e.code, e.message, e.trace_id, e.verdict
FROM market_chat.attempt AS e WHERE e.outbox_id = $1::bigint ORDER BY e.id
