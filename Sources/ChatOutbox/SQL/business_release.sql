-- Takes business_claim.sql back.
--
-- $1 business ids.
SELECT pg_advisory_unlock(market_chat.owner_key(owned.id)) FROM unnest($1::bigint[]) AS owned (id)
