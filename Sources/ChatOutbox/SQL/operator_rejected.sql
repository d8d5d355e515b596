-- Rejected rows of a business, a part of its rows at a time, along the index of its orders and returns; of one code alone
-- where it is given: that of the last exchange. The last row that was looked at comes too.
--
-- $1 business id, $2 code or NULL, $3 and $4 after this context_type and context_id, $5 rows that are looked at.
WITH looked AS MATERIALIZED (
    SELECT o.id, o.state, o.context_type, o.context_id FROM market_chat.outbox AS o
    WHERE o.business_id = $1::bigint AND (o.context_type, o.context_id) > ($3::text, $4::bigint)
    ORDER BY o.context_type, o.context_id LIMIT $5::bigint
)
SELECT looked.id, looked.context_type, looked.context_id, true AS is_wanted
FROM looked
WHERE looked.state = 'rejected' AND ($2::text IS NULL OR $2::text IN (
    SELECT unnest(ARRAY[last.code, last.http_status::text]) FROM (
        SELECT e.code, e.http_status FROM market_chat.attempt AS e
        WHERE e.outbox_id = looked.id ORDER BY e.id DESC LIMIT 1
    ) AS last
))
UNION ALL (
    SELECT looked.id, looked.context_type, looked.context_id, false
    FROM looked ORDER BY looked.context_type DESC, looked.context_id DESC LIMIT 1
)
