-- What a business is held for, as its owner last told.
--
-- $1 business id.
SELECT b.hold_reason,
    greatest(0, extract(epoch FROM b.held_until - statement_timestamp()) * 1000000)::bigint AS hold_microseconds
FROM market_chat.business AS b WHERE b.business_id = $1::bigint
