-- Rows that were inserted in the last 24 hours, by the hour in which something became of them.
--
-- $1 the first id of the last 24 hours.
WITH event AS (
    SELECT o.settled_at AS at, o.state AS outcome FROM market_chat.outbox AS o
    WHERE o.id >= $1::bigint AND o.state <> 'pending'
    UNION ALL
    SELECT e.at, 'backoff' FROM market_chat.attempt AS e
    WHERE e.outbox_id >= $1::bigint AND e.verdict = 'backoff'
)
SELECT
    floor(extract(epoch FROM statement_timestamp() - event.at) / 3600)::integer AS hours_ago,
    count(*) FILTER (WHERE event.outcome = 'created') AS created,
    count(*) FILTER (WHERE event.outcome = 'backoff') AS put_off,
    count(*) FILTER (WHERE event.outcome = 'rejected') AS rejected
FROM event WHERE event.at > statement_timestamp() - interval '24 hours' AND event.at <= statement_timestamp()
GROUP BY 1 ORDER BY 1
