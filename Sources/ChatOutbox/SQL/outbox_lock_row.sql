-- Waits for whoever has locked a row, up to lock_timeout; outbox_settle.sql then finds it free.
--
-- $1 row id.
SELECT FROM market_chat.outbox AS o WHERE o.id = $1::bigint FOR NO KEY UPDATE
