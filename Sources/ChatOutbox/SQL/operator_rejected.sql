-- Rejected rows of a business, from an id on; of one code alone where it is given: that of the last exchange.
--
-- $1 business id, $2 code or NULL, $3 after this id, $4 rows that are looked at.
WITH looked AS (
    SELECT o.id, o.state, o.business_id FROM market_chat.outbox AS o WHERE o.id > $3::bigint ORDER BY o.id LIMIT $4::bigint
)
SELECT looked.id, looked.business_id = $1::bigint AND looked.state = 'rejected' AND (
        $2::text IS NULL
        OR $2::text = (SELECT e.code FROM market_chat.attempt AS e WHERE e.outbox_id = looked.id ORDER BY e.id DESC LIMIT 1)
        OR $2::text = (SELECT e.http_status::text FROM market_chat.attempt AS e
            WHERE e.outbox_id = looked.id ORDER BY e.id DESC LIMIT 1)
    ) AS is_wanted
FROM looked ORDER BY looked.id
