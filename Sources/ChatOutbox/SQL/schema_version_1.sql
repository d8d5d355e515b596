-- The same where there is no market_chat.upgrade yet: in version 1, or before it.
SELECT m.version, m.version AS oldest_program FROM market_chat.migration AS m ORDER BY version DESC LIMIT 1
