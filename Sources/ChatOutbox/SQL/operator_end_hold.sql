-- Tells the owner of a business to try at once whatever it holds the business for.
--
-- $1 business id.
SELECT pg_notify('market_chat_wake', '!' || $1::bigint)
