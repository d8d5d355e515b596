-- The chats of the newest rows, the newest first. So many rows are looked at.
--
-- $1 chats at most.
SELECT newest.id, newest.business_id, newest.context_type, newest.context_id, newest.chat_id,
    -- Whoever settles rows by hand may write any time.
    (extract(epoch FROM statement_timestamp() - least(statement_timestamp(), greatest(
        newest.settled_at, statement_timestamp() - interval '1000 years'))) * 1000000)::bigint AS age_microseconds
FROM (SELECT o.* FROM market_chat.outbox AS o ORDER BY o.id DESC LIMIT 1000) AS newest
WHERE newest.state = 'created' ORDER BY newest.settled_at DESC LIMIT $1::bigint
