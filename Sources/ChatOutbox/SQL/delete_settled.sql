-- Deletes some rows that were settled long ago, with their attempts. Another instance that does the same is let pass.
--
-- $1 microseconds since they were settled, at least; $2 how many at most.
DELETE FROM market_chat.outbox WHERE id = ANY (ARRAY(
    SELECT o.id FROM market_chat.outbox o
    WHERE o.state <> 'pending' AND o.settled_at < now() - $1::bigint * interval '1 microsecond'
    ORDER BY o.settled_at LIMIT $2::integer
    FOR UPDATE SKIP LOCKED
))
