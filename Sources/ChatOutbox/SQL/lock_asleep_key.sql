-- The key of a business on which its owner sleeps.
--
-- $1 business id.
SELECT market_chat.asleep_key($1::bigint) AS key
