-- Becomes the sleeper on a business's key, unless somebody else holds it: a producer, or another session.
--
-- $1 business id.
SELECT
    market_chat.asleep_key($1::bigint) AS key,
    pg_try_advisory_lock(market_chat.asleep_key($1::bigint)) AS is_asleep
