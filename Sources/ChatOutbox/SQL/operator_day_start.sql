-- The smallest id of the rows that were inserted in the last 24 hours. Ids and times of insertion grow together, so it is
-- found by halving, and no index on a time has to be kept for it.
WITH RECURSIVE range (low, high) AS (
    SELECT coalesce(min(o.id), 1), coalesce(max(o.id), 0) + 1 FROM market_chat.outbox AS o
    UNION ALL
    SELECT
        CASE WHEN probe.created_at < statement_timestamp() - interval '24 hours' THEN probe.id + 1 ELSE range.low END,
        CASE WHEN probe.created_at < statement_timestamp() - interval '24 hours' THEN range.high
            ELSE range.low + (range.high - range.low) / 2 END
    FROM range LEFT JOIN LATERAL (
        SELECT o.id, o.created_at FROM market_chat.outbox AS o
        WHERE o.id >= range.low + (range.high - range.low) / 2 ORDER BY o.id LIMIT 1
    ) AS probe ON true
    WHERE range.low < range.high
)
SELECT max(range.low) AS first_id FROM range
