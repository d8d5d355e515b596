-- Whether a business is paused: the short form of outbox_outlook.sql.
--
-- $1 business id.
SELECT
    coalesce((SELECT b.paused FROM market_chat.business b WHERE b.business_id = $1), false) AS paused,
    NULL::bigint AS next_microseconds
