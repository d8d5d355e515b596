-- How many due rows of a business go before a row, as far as priority and time decide.
--
-- $1 row id, $2 counted up to this.
SELECT count(*) AS rows FROM (
    SELECT FROM market_chat.outbox AS mine JOIN market_chat.outbox AS o ON o.business_id = mine.business_id
    WHERE mine.id = $1::bigint AND o.state = 'pending' AND o.due_at <= statement_timestamp()
        AND (-o.priority, o.due_at, o.id) < (-mine.priority, mine.due_at, mine.id)
    LIMIT $2::bigint
) AS before
