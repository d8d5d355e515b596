-- Whether a business is known: by its record, or by rows.
--
-- $1 business id.
SELECT (SELECT b.paused FROM market_chat.business AS b WHERE b.business_id = $1::bigint) AS paused,
    EXISTS (SELECT FROM market_chat.outbox AS o WHERE o.business_id = $1::bigint) AS has_rows
