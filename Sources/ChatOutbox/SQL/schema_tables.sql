-- Which of the tables exist that tell of the schema's version.
SELECT
    to_regclass('market_chat.migration') IS NOT NULL AS has_migration,
    to_regclass('market_chat.upgrade') IS NOT NULL AS has_upgrade
