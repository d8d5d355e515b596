-- Pauses or resumes a business. A trigger tells its owner.
--
-- $1 business id, $2 whether to pause it.
INSERT INTO market_chat.business AS b (business_id, paused) VALUES ($1::bigint, $2::boolean)
ON CONFLICT (business_id) DO UPDATE SET paused = excluded.paused
RETURNING b.hold_reason, greatest(0, extract(epoch FROM b.held_until - statement_timestamp()) * 1000000)::bigint
    AS hold_microseconds
