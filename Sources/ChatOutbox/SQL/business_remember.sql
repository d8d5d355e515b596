-- What the next owner of each business should know. A row that somebody else has locked is passed over: the next
-- settlement tries again.
--
-- $1 business ids, $2 hold reasons, $3 microseconds to the end of the hold, $4 quota limits, $5 what remains of them,
-- $6 microseconds to the end of the window.
WITH free AS MATERIALIZED (
    SELECT b.business_id FROM market_chat.business AS b
    WHERE b.business_id = ANY ($1::bigint[]) FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE market_chat.business AS b SET
    hold_reason = known.hold_reason,
    held_until = now() + known.hold * interval '1 microsecond',
    quota_limit = known.quota_limit,
    quota_remaining = known.quota_remaining,
    quota_resets_at = now() + known.quota * interval '1 microsecond',
    updated_at = now()
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::integer[], $5::integer[], $6::bigint[])
    AS known (business_id, hold_reason, hold, quota_limit, quota_remaining, quota)
JOIN free USING (business_id)
WHERE b.business_id = known.business_id
