-- How many due rows of a business go before a row, as far as priority and time decide. Both parts follow the index
-- outbox_pending, and stop at the bound.
--
-- $1 business id, $2 priority, $3 row id, $4 counted up to this.
SELECT count(*) AS rows FROM (
    (SELECT FROM market_chat.outbox AS o
    WHERE o.business_id = $1::bigint AND o.state = 'pending' AND o.priority > $2::smallint
        AND o.due_at <= statement_timestamp()
    LIMIT $4::bigint)
    UNION ALL
    (SELECT FROM market_chat.outbox AS o
    WHERE o.business_id = $1::bigint AND o.state = 'pending' AND o.priority = $2::smallint
        AND o.due_at <= statement_timestamp()
        AND (o.due_at, o.id) < ((SELECT mine.due_at FROM market_chat.outbox AS mine WHERE mine.id = $3::bigint), $3::bigint)
    LIMIT $4::bigint)
    LIMIT $4::bigint
) AS before
