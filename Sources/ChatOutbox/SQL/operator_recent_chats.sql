-- The chats of the newest rows, the newest first. So many rows are looked at.
--
-- $1 chats at most.
SELECT newest.id, newest.business_id, newest.context_type, newest.context_id, newest.chat_id,
    (extract(epoch FROM statement_timestamp() - newest.settled_at) * 1000000)::bigint AS age_microseconds
FROM (SELECT o.* FROM market_chat.outbox AS o ORDER BY o.id DESC LIMIT 1000) AS newest
WHERE newest.state = 'created' ORDER BY newest.settled_at DESC LIMIT $1::bigint
