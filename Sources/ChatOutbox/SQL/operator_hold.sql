-- What a business is held for, and what is left of its quota, as its owner last told.
--
-- $1 business id.
SELECT b.hold_reason,
    -- From an infinite time nothing can be subtracted.
    (extract(epoch FROM least(greatest(b.held_until, statement_timestamp()), statement_timestamp() + interval '1000 years')
        - statement_timestamp()) * 1000000)::bigint AS hold_microseconds,
    b.quota_limit,
    b.quota_remaining,
    (extract(epoch FROM least(greatest(b.quota_resets_at, statement_timestamp()), statement_timestamp() + interval '1 day')
        - statement_timestamp()) * 1000000)::bigint AS quota_microseconds
FROM market_chat.business AS b WHERE b.business_id = $1::bigint
