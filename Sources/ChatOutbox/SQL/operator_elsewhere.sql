-- Rows with a number, of any type, of a business and of all that are known, by the index of each.
--
-- $1 business id, $2 context id.
SELECT o.id, o.business_id, o.context_type
FROM (SELECT $1::bigint AS id UNION SELECT b.business_id FROM market_chat.business AS b) AS business
CROSS JOIN (VALUES ('ORDER'), ('RETURN')) AS type (name)
CROSS JOIN LATERAL (
    SELECT o.* FROM market_chat.outbox AS o
    WHERE o.business_id = business.id AND o.context_type = type.name AND o.context_id = $2::bigint
) AS o
ORDER BY o.business_id <> $1::bigint, o.id LIMIT 5
