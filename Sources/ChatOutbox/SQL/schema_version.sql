-- Which migration the schema has seen last, and the oldest program that works with it since then.
--
-- A number in market_chat.migration that market_chat.upgrade does not know was written by a program that knew no better.
SELECT u.version, u.oldest_program FROM market_chat.upgrade AS u
UNION ALL
SELECT m.version, m.version FROM market_chat.migration AS m
WHERE NOT EXISTS (SELECT FROM market_chat.upgrade AS u WHERE u.version = m.version)
ORDER BY version DESC LIMIT 1
